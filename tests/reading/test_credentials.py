"""The streams of a credential end with it, wherever it was ended."""

from collections.abc import Collection

from waiting import soon

from chatapp.errors import DatabaseUnavailable
from chatapp.reading.credentials import CredentialWatch


class Ended:
    """Answers the watch, and counts its questions."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.asked: list[Collection[str]] = []
        self.away = False

    def __call__(self, credentials: Collection[str]) -> Collection[str]:
        self.asked.append(credentials)
        if self.away:
            raise DatabaseUnavailable("away")
        return self.ended & set(credentials)


def test_every_stream_of_an_ended_credential_ends_and_no_other() -> None:
    ended, told = Ended(), list[str]()
    watch = CredentialWatch(ended, every_s=0.001)
    for credential, stream in (("a", "a1"), ("a", "a2"), ("b", "b1")):
        watch.enter(credential, lambda stream=stream: told.append(stream))
    ended.ended = {"a"}
    soon(lambda: sorted(told) == ["a1", "a2"])
    ended.ended = {"b"}
    soon(lambda: "b1" in told)


def test_it_asks_once_for_all_streams_and_not_at_all_without_any() -> None:
    ended = Ended()
    watch = CredentialWatch(ended, every_s=0.001)
    leaves = [watch.enter(credential, list) for credential in ("a", "a", "b", "")]
    soon(lambda: ended.asked)
    assert sorted(ended.asked[0]) == ["a", "b"]
    for leave in leaves:
        leave()
    soon(lambda: not watch.watching)
    watch.enter("c", list)
    soon(lambda: ["c"] in ended.asked)


def test_while_the_database_is_away_streams_go_on() -> None:
    ended, told = Ended(), list[str]()
    ended.away, ended.ended = True, {"a"}
    CredentialWatch(ended, every_s=0.001).enter("a", lambda: told.append("a"))
    soon(lambda: len(ended.asked) > 1)
    assert not told
    ended.away = False
    soon(lambda: told)
