"""A list of models is asked for once, kept, and asked for again in time."""

import gevent
from gevent.event import Event

from chatapp.providers.model_list import ListingTimes, ModelList


class Asked:
    """What is asked for a list: each time it gives the next answer."""

    def __init__(self, *answers):
        self.timeouts = []
        self._answers = list(answers)

    def __call__(self, timeout):
        self.timeouts.append(timeout)
        return self._answers.pop(0)


def test_a_list_is_kept():
    asked = Asked(("m",))
    models = ModelList(asked, ListingTimes(timeout=3.0))
    assert models.get() == models.get() == ("m",)
    assert asked.timeouts == [3.0]


def test_a_list_is_asked_for_again_after_its_time():
    models = ModelList(Asked(("m",), ("n",)), ListingTimes(kept=0))
    assert (models.get(), models.get()) == (("m",), ("n",))


def test_a_failure_is_kept_for_a_time_of_its_own():
    kept = ModelList(Asked((), ("m",)), ListingTimes(failure_kept=60))
    assert (kept.get(), kept.get()) == ((), ())
    again = ModelList(Asked((), ("m",)), ListingTimes(failure_kept=0))
    assert (again.get(), again.get()) == ((), ("m",))


def test_all_that_ask_meanwhile_get_the_same_answer():
    go_on, count = Event(), []

    def ask(timeout):
        count.append(timeout)
        assert go_on.wait(5)
        return ("m",)

    models = ModelList(ask, ListingTimes())
    asking = [gevent.spawn(models.get) for _ in range(5)]
    gevent.idle()
    go_on.set()
    assert [greenlet.get(timeout=5) for greenlet in asking] == [("m",)] * 5
    assert len(count) == 1
