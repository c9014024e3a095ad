"""Spreadsheets in and out, and the match command on files."""
