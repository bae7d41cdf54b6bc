"""The application for gunicorn, made in the worker. What keeps it from starting is said in one
line."""

import sys

from chatapp.app import create_app
from chatapp.errors import ChatappError
from chatapp.ops import services
from chatapp.ops.run_log import RunLog

APP_LOAD_ERROR = 4  # gunicorn's own code: the master gives up instead of starting workers for ever

try:
    app = create_app(observers=[RunLog()])
    services.add(app.extensions["chatapp"], started=True)
except (ChatappError, OSError) as error:
    print(f"chatapp: {error}", file=sys.stderr, flush=True)
    sys.exit(APP_LOAD_ERROR)
