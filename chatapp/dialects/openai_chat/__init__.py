"""OpenAI's chat completions: the request, and the events of the answer."""
