"""The model on this machine, served by a process of its own."""
