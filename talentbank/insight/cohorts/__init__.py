"""A university's cohorts in figures."""
