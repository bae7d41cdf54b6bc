"""AG-UI: the request, and the events of the answer."""
