"""The market in figures: what was filled and what is scarce."""
