"""Matching rounds: snapshot, runs, publication, offers."""
