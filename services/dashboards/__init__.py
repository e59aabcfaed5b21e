"""Draws Grafana's dashboards without Grafana: the committed JSON is read, its queries are asked, pictures come of it."""
