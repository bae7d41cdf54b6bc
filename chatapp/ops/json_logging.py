"""The process's own log lines as JSON, one object per line, on standard error."""

import json
import logging
import time


class JSONFormatter(logging.Formatter):
    """Keys: time (UTC), level, logger, message, those of `extra={"fields": {…}}`, and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(level: str) -> None:
    """Set up the logger `chatapp`. A host that embeds chatapp configures logging itself."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter())
    logger = logging.getLogger("chatapp")
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
