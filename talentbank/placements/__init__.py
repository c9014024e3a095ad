"""Placements: accepted offers that started."""
