"""Pure rules of the geofence: shapes, who may check in where, the three-valued verdict, signs of spoofing."""
