"""Whether a further reply has to wait: asked of a server that tells, and of the real one."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.events import RunQueued, TextDelta
from chatapp.providers import ReplyItem, Started
from chatapp.providers.factory import ProviderFactory
from chatapp.providers.local.helper import SLOTS
from chatapp.providers.local.server import LocalServer
from chatapp.providers.local.slots import all_at_work
from chatapp.settings import Settings
from chatapp.settings.tables import ProviderConfig
from chatapp.wire.upstream import Upstream

needs_model = pytest.mark.skipif(not LocalServer(Path()).available(), reason=f"{LocalServer(Path()).missing()}")


@pytest.mark.parametrize(
    ("status", "body", "busy"),
    [
        (200, b'[{"id": 0, "is_processing": true}, {"id": 1, "is_processing": true}]', True),
        (200, b'[{"id": 0, "is_processing": true}, {"id": 1, "is_processing": false}]', False),
        (200, b"[]", False),
        (200, b"no JSON", False),
        (501, b'{"error": {"message": "This server does not support slots endpoint."}}', False),
    ],
)
def test_a_reply_waits_if_all_slots_are_at_work(
    answering: Callable[[int, bytes], str], status: int, body: bytes, busy: bool
) -> None:
    with closing(Upstream()) as upstream:
        assert all_at_work(upstream, f"{answering(status, body)}/v1", CancelScope()) is busy
        assert all_at_work(upstream, "http://127.0.0.1:9/v1", CancelScope()) is False


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], str]]:
    """Servers that give one answer at /slots."""
    from gevent.pywsgi import WSGIServer

    started: list[WSGIServer] = []

    def start(status: int, body: bytes) -> str:
        def answer(environ: dict[str, str], begin: Callable[..., object]) -> list[bytes]:
            here = environ["PATH_INFO"] == "/slots"
            begin(f"{status} x" if here else "404 x", [("Content-Type", "application/json")])
            return [body]

        server = WSGIServer(("127.0.0.1", 0), answer, log=None)
        server.start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.stop()


@pytest.mark.slow
@needs_model
def test_one_more_than_the_local_model_has_room_for_is_told_to_wait(tmp_path: Path) -> None:
    factory = ProviderFactory(Settings(data=tmp_path, local_threads=1))
    with closing(factory):
        local = factory.candidate("local", ProviderConfig(type="local"), {}).provider
        chat = Chat(model=local.models()[0], messages=[Message("user", "Count to a hundred.")], max_tokens=60)
        one, *_ = _items(local, chat)
        assert isinstance(one, Started)
        replies = [gevent.spawn(_items, local, chat) for _ in range(SLOTS)]
        gevent.idle()
        scope = CancelScope()
        while not all_at_work(factory._upstream, local.base_url(scope), scope):  # type: ignore[attr-defined]
            gevent.sleep(0.005)
        late = _items(local, chat)
        assert late[:3] == [RunQueued(), Started(), RunQueued(waiting=False)]
        assert any(isinstance(item, TextDelta) for item in late)
        gevent.joinall(replies, raise_error=True)


def _items(provider, chat: Chat) -> list[ReplyItem]:  # type: ignore[no-untyped-def]
    return list(provider.stream(chat, CancelScope()))
