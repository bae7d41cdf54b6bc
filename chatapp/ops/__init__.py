"""Running the server: gunicorn's configuration, the command line, log lines.

Nothing is imported here: `gunicorn_config` patches the standard library before anything else loads.
"""
