"""The durable log of one machine, shared by its worker processes: one SQLite file."""
