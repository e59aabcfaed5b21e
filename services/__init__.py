"""The four services of Hadir, the simulator that plays a province, and the operator's command line."""
