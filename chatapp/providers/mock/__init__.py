"""The provider without a model: it shows every path without a key."""
