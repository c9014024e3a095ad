"""Publication, offers and their answers, and why."""
