"""OpenAI's Responses: the request, and the events of the answer."""
