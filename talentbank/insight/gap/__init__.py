"""The talent gap month by month, turnover, and the gap as a ledger."""
