"""Anthropic's messages: what is asked, what is answered."""
