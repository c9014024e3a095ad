"""What both sides prefer: students rank positions, enterprises shortlist candidates."""
