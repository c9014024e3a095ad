"""Where graduates went."""
