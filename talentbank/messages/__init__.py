"""What students and enterprises write to each other about positions."""
