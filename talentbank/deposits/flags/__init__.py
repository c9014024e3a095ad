"""Reports about positions."""
