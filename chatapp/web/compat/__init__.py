"""Endpoints that clients of other protocols use unchanged, one file a protocol."""
