"""The only user of `requests` (being written)."""
