"""The credit ledger: accounts, entries and their hash chain."""
