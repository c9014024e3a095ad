"""Positions and training resources."""
