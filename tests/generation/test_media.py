"""Sources and files of a run: numbered, safe to show, within limits that end no answer."""

import pytest
from drivers import NoApprovals, ScriptedProvider, a_chat

from chatapp.events import AttemptReset, CitedSource, Entry, File, RunEnd, StreamEvent, TextDelta, ToolCall, Usage
from chatapp.generation.media import Media, MediaLimits
from chatapp.generation.run import Run
from chatapp.generation.tool_loop import ToolLoop
from chatapp.logs import Appender
from chatapp.providers import Finished, Started
from chatapp.tools.toolbox import Limits, Toolbox


def web(url: str = "https://source.test/1", **more: object) -> CitedSource:
    return CitedSource("", url, **more)  # type: ignore[arg-type]


def taken(*events: StreamEvent, **limits: int) -> list[StreamEvent]:
    media = Media(MediaLimits(**limits))
    return [event for given in events if (event := media.take(given))]


def test_sources_and_files_are_numbered_each_by_themselves() -> None:
    said = taken(web(), File("", "image/png", bytes=b"a"), web("https://source.test/2"), File("", "x/y", bytes=b"b"))
    assert [event.id for event in said] == ["src_1", "file_1", "src_2", "file_2"]  # type: ignore[union-attr]


def test_a_source_that_is_told_again_is_one_and_at_another_place_another() -> None:
    assert len(taken(web(), web(), web(start=0, end=2), web(start=0, end=2), web(start=2, end=4))) == 3


def test_a_source_that_says_nothing_is_none() -> None:
    assert taken(web(""), web("javascript:alert(1)")) == []


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "JavaScript:x", "//source.test", "http://["]
)
def test_an_address_that_a_click_must_not_open_is_left_out(url: str) -> None:
    assert taken(web(url, title="A")) == [CitedSource("src_1", "", "A")]


def test_the_last_source_says_that_more_were_left_out() -> None:
    *kept, last = taken(*(web(f"https://source.test/{number}") for number in range(5)), max_sources=3)
    assert len(kept) == 3
    assert isinstance(last, CitedSource) and "at most 3 (max_sources)" in last.title


def test_a_file_beyond_a_limit_leaves_a_trace_and_takes_no_room() -> None:
    small, large = taken(File("", "image/png", bytes=b"12"), File("", "image/png", bytes=b"123"), max_file_bytes=2)
    assert isinstance(small, File) and not small.error
    assert large == File("file_2", "image/png", error="left out: 3 bytes; at most 2 are kept (max_file_bytes)")


def test_of_too_many_files_the_first_one_too_many_says_so() -> None:
    said = taken(*(File("", "image/png", bytes=b"%d" % number) for number in range(5)), max_files=2)
    assert [isinstance(file, File) and bool(file.error) for file in said] == [False, False, True]


@pytest.mark.parametrize("file", [File("", "image/png"), File("", "image/png", url="javascript:alert(1)")])
def test_a_file_that_nobody_can_get_says_so(file: File) -> None:
    (told,) = taken(file)
    assert isinstance(told, File) and told.error.startswith("left out") and not told.url


def test_after_a_reset_the_limits_begin_anew_and_no_id_comes_again() -> None:
    said = taken(
        web(), File("", "x/y", bytes=b"a"), AttemptReset("cut"), web(), File("", "x/y", bytes=b"b"), max_files=1
    )
    assert [getattr(event, "id", "") for event in said] == ["src_1", "file_1", "", "src_2", "file_2"]
    assert not any(isinstance(event, File) and event.error for event in said)


class Listed(Appender):
    def __init__(self) -> None:
        self.events: list[StreamEvent] = []

    def append(self, run_id: str, event: StreamEvent) -> int:
        self.events.append(event)
        return len(self.events)


def test_a_limit_does_not_end_the_run() -> None:
    log = Listed()
    provider = ScriptedProvider(
        [Started(), TextDelta("a"), File("", "image/png", bytes=b"123"), TextDelta("b"), Finished("stop", Usage())]
    )
    run = Run("run", "trace", provider, a_chat(), log, MediaLimits(max_file_bytes=2))
    assert run.generate().reason == "stop"
    assert run.transcript.content == "ab" and run.transcript.files[0].error


def test_a_place_in_a_later_reply_is_its_place_in_the_whole_answer() -> None:
    call = ToolCall("c1", "function", "nothing", {})
    provider = ScriptedProvider(
        [Started(), TextDelta("12345"), call, Finished("stop", Usage())],
        [Started(), TextDelta("678"), web(start=0, end=3), Finished("stop", Usage())],
    )
    log = Listed()
    loop = ToolLoop(provider, Toolbox("run", {}, Limits(8, 5.0, 1000, 60.0), NoApprovals()))
    run = Run("run", "trace", loop, a_chat(), log)
    assert isinstance(run.generate(), RunEnd)
    (source,) = run.transcript.sources
    assert (source.start, source.end) == (5, 8)
    assert run.transcript.content[5:8] == "678"


def test_a_transcript_keeps_both_between_its_texts() -> None:
    run = Run("run", "trace", ScriptedProvider(), a_chat(), Listed())
    for seq, event in enumerate([TextDelta("a"), web(), TextDelta("b")], 1):
        run.transcript.add(Entry(seq, event))
    assert run.transcript.content == "ab" and len(run.transcript.sources) == 1
