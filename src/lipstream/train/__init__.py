"""Data in, trained networks and their exported files out."""
