"""Dashboards as code: six Python modules, the JSON made from them, and how Grafana is to find it."""
