"""Role homes and figures: read-only."""
