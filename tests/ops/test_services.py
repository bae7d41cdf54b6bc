"""What starts and ends a process reaches each of its services."""

from collections.abc import Iterator

import pytest

from chatapp.ops import services


class Noted:
    """A service that removes itself once it is closed, as a mounted one does."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.live = 2

    def start(self) -> None:
        self.told.append("start")

    def drain(self, grace_s: float) -> None:
        self.told.append(f"drain {grace_s:g}")

    def close(self) -> None:
        services.remove(self)
        self.told.append("close")


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Noted]]:
    for name in ("_services", "_waiting"):
        monkeypatch.setattr(services, name, [])
    yield [Noted() for _ in range(3)]


def test_each_of_several_services_is_started_drained_and_closed_once(several: list[Noted]) -> None:
    for service in several:
        services.add(service)
    services.start()
    services.start()
    assert services.live() == 6
    services.drain(2.0)
    services.close()
    assert [service.told for service in several] == [["start", "drain 2", "close"]] * 3
