"""The application for gunicorn, made in the worker. What keeps it from starting is said in one
line."""

import gc
import sys
from wsgiref.types import WSGIApplication

from chatapp.errors import ChatappError

APP_LOAD_ERROR = 4  # gunicorn's own code: the master gives up instead of starting workers for ever


def _make() -> WSGIApplication:
    """The imports stand here, as collections that find nothing would be a third of their time."""
    gc.disable()
    try:
        from chatapp.app import create_app
        from chatapp.ops import services
        from chatapp.ops.run_log import RunLog
        from chatapp.ops.starting import started
        from chatapp.web.warming import warm_up

        made = started(lambda: create_app(observers=[RunLog()]))
        warm_up(made)
        services.add(made.extensions["chatapp"], started=True)
        return made
    except (ChatappError, OSError) as error:
        print(f"chatapp: {error}", file=sys.stderr, flush=True)
        sys.exit(APP_LOAD_ERROR)
    finally:
        gc.enable()


app = _make()
