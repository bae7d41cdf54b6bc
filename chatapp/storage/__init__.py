"""Conversations, in SQL. The only user of SQLAlchemy."""
