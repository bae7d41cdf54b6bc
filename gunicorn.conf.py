"""For plain `gunicorn wsgi:app` in a checkout. The package has the configuration, for the wheel."""

from chatapp.ops.gunicorn_config import *
