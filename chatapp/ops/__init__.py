"""Running the server: gunicorn's configuration, the command line, the process's own log lines.

This file imports nothing: `gunicorn_config` patches the standard library before any other import.
"""
