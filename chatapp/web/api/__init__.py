"""chatapp's own endpoints."""
