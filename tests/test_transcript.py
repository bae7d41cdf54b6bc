"""The compacted log: what it joins, and the times that it keeps."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from chatapp.events import Entry, ReasoningDelta, StreamEvent, TextDelta
from chatapp.transcript import PART_S, parts_of, transcript_of

deltas = st.builds(TextDelta, st.text(max_size=5)) | st.builds(ReasoningDelta, st.text(max_size=5))
steps = st.lists(st.tuples(st.sampled_from([0.0, 0.001, 0.1, 0.3, 9.0]), deltas), max_size=30)


def timed(steps: list[tuple[float, StreamEvent]]) -> list[Entry]:
    at, entries = 1000.0, list[Entry]()
    for seq, (seconds, event) in enumerate(steps, 1):
        at += seconds
        entries.append(Entry(seq, event, at))
    return entries


@given(steps)
def test_it_joins_what_came_together_and_keeps_when(steps: list[tuple[float, StreamEvent]]) -> None:
    entries = timed(steps)
    joined = transcript_of(entries).entries
    assert all(type(one.event) is not type(other.event) for one, other in pairwise(joined))
    kept = [part for entry in joined for part in parts_of(entry)]
    done = 0
    for entry in kept:
        parts = [part for part in entries if done < part.seq <= entry.seq]
        assert all(type(part.event) is type(entry.event) for part in parts)
        assert "".join(part.event.text for part in parts) == entry.event.text  # type: ignore[union-attr]
        assert entry.at == round(parts[-1].at, 3) and parts[-1].at - parts[0].at <= PART_S
        done = entry.seq
    assert done == len(entries)


def test_a_minute_of_text_has_some_hundred_parts() -> None:
    [minute] = transcript_of(timed([(0.02, TextDelta("word ")) for _ in range(3000)])).entries
    assert 200 < len(minute.parts) < 300
    assert len(msgspec.json.encode(minute.parts)) < 30 * len(minute.parts)
