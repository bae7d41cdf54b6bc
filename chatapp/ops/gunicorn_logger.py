"""gunicorn's lines in the form of ours, and a line of each request.

That line has the template of the route, never the path, the query string or anything of a body: it
does not tell who follows which answer.
"""

import logging
import os
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from chatapp.ops.log_lines import formatter
from chatapp.settings import LogFormat
from chatapp.trace import ROUTE, TRACE, Trace

requests = logging.getLogger("chatapp.request")


class GunicornLogger(Logger):
    """`form` and `level` are set by the configuration, before gunicorn makes one."""

    form: LogFormat = "auto"
    level = "INFO"

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            if getattr(handler, "_gunicorn", False):  # its own, and nobody else's
                handler.setFormatter(formatter(self.form, self.level, os.environ))

    @property
    def access_log_enabled(self) -> bool:
        return requests.isEnabledFor(logging.INFO)

    def access(self, resp: Any, req: Any, environ: MutableMapping[str, Any], request_time: timedelta) -> None:
        """At the end of a response, whole or broken off."""
        trace: Trace | None = environ.get(TRACE)
        line = {
            "method": environ.get("REQUEST_METHOD"),
            "route": environ.get(ROUTE) or None,
            "status": _status(resp),
            "duration_ms": round(request_time.total_seconds() * 1000),
            "bytes": resp.sent,
            "trace_id": trace and trace.id,
            "request_id": trace and trace.request_id,
        }
        requests.info("request ended", extra={"fields": line})


def _status(resp: Any) -> int:
    """gunicorn's own answer to a head that it cannot read has the words alone."""
    return int(resp.status.split(maxsplit=1)[0])
