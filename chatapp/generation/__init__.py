"""Left of the log: from a provider's reply to the events of a run.

It never touches a client. It meets `reading` only in `logs`.
"""
