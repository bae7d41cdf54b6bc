"""Right of the log: from the events of a run to a response, from any position.

It never touches a provider. It meets `generation` only in `logs`.
"""
