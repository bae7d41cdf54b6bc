"""The services of this process, for whatever starts and ends it. It knows no application: a server
of its own adds its service, and a host application has one for each place that it mounts."""

from typing import Protocol

import gevent


class Service(Protocol):
    """As `ChatService`, except that `start` may be called again, and then does nothing.
    `live`: its runs, and the responses that read them."""

    @property
    def live(self) -> int: ...

    def start(self) -> None: ...

    def drain(self, grace_s: float) -> None: ...

    def close(self) -> None: ...


_waiting: list[Service] = []
_services: list[Service] = []


def add(service: Service, started: bool = False) -> None:
    """From now on the process starts, drains and closes it. `started`: it runs already."""
    _services.append(service)
    if not started:
        _waiting.append(service)


def remove(service: Service) -> None:
    """It has been closed by others."""
    for services in (_services, _waiting):
        if service in services:
            services.remove(service)


def start() -> None:
    """Start those that wait for it. Raises what they raise."""
    while _waiting:
        _waiting.pop(0).start()


def live() -> int:
    return sum(service.live for service in _services)


def drain(grace_s: float) -> None:
    """All at once, in the same time."""
    gevent.joinall([gevent.spawn(service.drain, grace_s) for service in _services])


def close() -> None:
    for service in [*_services]:  # one may remove itself
        service.close()
