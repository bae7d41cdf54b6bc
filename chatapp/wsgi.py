"""The application for gunicorn, made in the worker. A bad configuration ends the start with its message alone."""

import sys

from chatapp.app import create_app
from chatapp.errors import ConfigError

APP_LOAD_ERROR = 4  # gunicorn's own code: the master gives up instead of starting workers for ever

try:
    app = create_app()
except ConfigError as error:
    print(f"chatapp: {error.message}", file=sys.stderr, flush=True)
    sys.exit(APP_LOAD_ERROR)
