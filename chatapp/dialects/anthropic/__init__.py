"""Anthropic's Messages: the request, and the events of the answer."""
