"""What an officer sees: one module for each dashboard, each a plain list of panels."""
