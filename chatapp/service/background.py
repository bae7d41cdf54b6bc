"""What starts and ends with the service, and is of no use to a request: figures and traces."""

from typing import Protocol


class Background(Protocol):
    """Does nothing before `start`."""

    def start(self) -> None: ...

    def close(self) -> None:
        """Idempotent."""
        ...
