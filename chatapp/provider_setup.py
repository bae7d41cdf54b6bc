"""Which providers there are: the configured ones, and those that are found without configuration."""
