"""All SQL of the geofence: check-ins as judged, people and org units as known, evidence, sites."""
