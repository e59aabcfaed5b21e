"""Checks of the manifests that need no cluster: what kustomize would build, and whether an API server would take it."""
