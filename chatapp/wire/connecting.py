"""Connecting to a provider so that a stop meanwhile closes the socket.

urllib3 closes it after an OSError only, and a stop is none: the socket would be left to the garbage
collector, which warns of it. `socket.create_connection`, which is gevent's here, closes it whatever
happens. It relies on a private name of urllib3 (`_new_conn`): setup.cfg pins the version.
"""

import socket
from typing import Any, TypeVar

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

Manager = TypeVar("Manager", bound=PoolManager)


def connecting_well(manager: Manager) -> Manager:
    """The same manager, whose new pools connect so."""
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}
    return manager


class _Connecting(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        where: Any = self._dns_host.strip("[]"), self.port
        timeout: Any = self.timeout
        try:
            sock = socket.create_connection(where, timeout, self.source_address)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection within {timeout} s") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error
        for option in self.socket_options or ():
            sock.setsockopt(*option)
        return sock


class _TLSConnecting(_Connecting, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Connecting


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnecting
