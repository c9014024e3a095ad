"""Rules of practice: what a university asks of its students' practice."""
