"""open_log(): the one place that picks where the events of runs are kept."""

from chatapp.errors import ConfigError
from chatapp.logs import EventLog, LogObserver
from chatapp.logs.memory import MemoryLog
from chatapp.logs.redis import SCHEMES
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.settings import Settings


def open_log(settings: Settings, observer: LogObserver | None = None) -> EventLog:
    """The log that `log_url` names. Raises ConfigError."""
    match settings.log_url:
        case "memory:":
            return MemoryLog(retention=settings.log_retention_s, observer=observer)
        case "sqlite:":
            return SQLiteLog(
                settings.data / "log.sqlite3",
                flush_ms=settings.log_flush_ms,
                retention=settings.log_retention_s,
                synchronous=settings.log_synchronous,
                observer=observer,
            )
        case url if url.startswith(SCHEMES):
            from chatapp.logs.redis.log import RedisLog  # its library: 0.15 s of each start

            return RedisLog(
                url,
                flush_ms=settings.log_flush_ms,
                retention=settings.log_retention_s,
                outage=settings.log_outage_s,
                observer=observer,
            )
        case other:  # its beginning is enough: there may be a password in it
            raise ConfigError(
                f"log_url: expected sqlite:, memory: or redis://…, got one that begins with {other[:5]!r}"
            )
