"""The catalogue and each student's profile."""
