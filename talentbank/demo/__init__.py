"""The demo bank: built from its recipe, taken out again whole."""
