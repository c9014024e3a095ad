"""Verification: what supervisors vouch for, what universities count, and what follows from both."""
