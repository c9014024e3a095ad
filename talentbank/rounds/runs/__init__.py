"""Runs of a round: hints, quotas, solving in the background, comparing, comments on drafts."""
