"""For `gunicorn wsgi:app` in a checkout; gunicorn.conf.py beside it configures it."""

from chatapp.wsgi import app

__all__ = ["app"]
