"""What people are told, in the bank and by e-mail."""
