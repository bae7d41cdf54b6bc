"""The AI SDK's UI messages: the request, and the events of the answer."""
