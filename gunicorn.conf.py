"""For plain `gunicorn wsgi:app` in a checkout; the configuration itself is in the package, for the wheel has it too."""

from chatapp.ops.gunicorn_config import *
