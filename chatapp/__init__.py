"""chatapp: a streaming chat server. A reply is a log; every response is a reader of it.

Nothing is imported here, so that gunicorn's configuration can patch the standard library before
anything else loads.
"""

__version__ = "0.1.0"
