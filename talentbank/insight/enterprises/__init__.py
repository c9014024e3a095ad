"""An enterprise as others see it: what it offers, and how well it answers."""
