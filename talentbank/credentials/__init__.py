"""What students take out: statements, transcripts, credentials."""
