"""Alerts: the rules as Prometheus reads them, their tests, and the object that Kubernetes gets of them."""
