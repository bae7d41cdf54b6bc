"""The tools that come with chatapp."""
