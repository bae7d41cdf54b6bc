import io
from typing import Any

import pytest
from rich.console import Console

from chatapp.ops.chat.following import Heard
from chatapp.ops.chat.screens import NobodyToAsk, PipeScreen, TerminalScreen, side_line

EVIL = "\x1b]0;title\x07\x1b[31mred\x9b2J\x08\r\x00"
COMPLETED = {
    "finish_reason": "stop",
    "usage": {"prompt": 1, "completion": 2, "estimated": True},
    "timing": {"first_token_ms": 20, "total_ms": 1500},
}


def text(delta: str) -> Heard:
    return Heard("content_delta", {"delta": delta})


def terminal() -> tuple[TerminalScreen, io.StringIO]:
    out = io.StringIO()
    return TerminalScreen(Console(file=out, force_terminal=True, color_system=None, width=60, height=20)), out


def show(screen: Any, *heard: Heard) -> None:
    for each in heard:
        screen.show(each)
    screen.close()


def test_a_pipe_gets_the_text_alone(capsys: pytest.CaptureFixture[str]) -> None:
    call = Heard("tool_call", {"id": "1", "name": "f", "arguments": {}})
    show(
        PipeScreen(),
        Heard("reasoning_delta", {"delta": "hm"}),
        call,
        text("a "),
        text("b"),
        Heard("completed", COMPLETED),
    )
    assert capsys.readouterr() == ("a b\n", "")


def test_a_pipe_is_not_told_again_what_the_server_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    reset = Heard("reset", {"reason": "log"})
    show(PipeScreen(), text("one "), text("two "), reset, text("one two th"), text("ree"))
    show(PipeScreen(), text("one "), text("two "), reset, text("one "), text("two three"))
    assert capsys.readouterr().out == "one two three\n" * 2


def test_a_pipe_is_told_if_another_answer_begins(capsys: pytest.CaptureFixture[str]) -> None:
    show(PipeScreen(), text("one two"), Heard("reset", {"reason": "upstream"}), text("other"), text(" words"))
    shown = capsys.readouterr()
    assert shown.out == "one two\nother words\n" and "starts again" in shown.err


@pytest.mark.parametrize(
    "heard",
    [
        text(EVIL),
        Heard("reasoning_delta", {"delta": EVIL}),
        Heard("tool_call", {"id": "1", "name": EVIL, "arguments": {EVIL: EVIL}}),
        Heard("tool_result", {"tool_call_id": "1", "result": EVIL}),
        Heard("tool_result", {"tool_call_id": "1", "error": EVIL}),
        Heard("plan_step", {"index": 1, "text": EVIL}),
        Heard("source", {"id": "1", "title": EVIL, "url": EVIL}),
        Heard("file", {"name": EVIL, "url": EVIL}),
        Heard("error", {"message": EVIL}),
    ],
    ids=lambda heard: heard.name,
)
def test_nothing_that_a_terminal_obeys_comes_through(heard: Heard, capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    # As a file: then all that is there came with the event.
    show(TerminalScreen(Console(file=out, force_terminal=False, width=60)), heard)
    show(PipeScreen(), heard)
    shown = out.getvalue() + "".join(capsys.readouterr())
    assert not {char for char in shown if not char.isprintable()} - {"\n"}


def test_markdown_is_rendered_block_by_block_and_no_text_is_markup() -> None:
    screen, out = terminal()
    show(screen, text("# Ti"), text("tle\n\n**bold** [red]not markup[/red]\n\n```\nco"), text("de\n```\n"))
    shown = out.getvalue()
    assert "Title" in shown and "# Title" not in shown.rpartition("Title")[2]
    assert "[red]not markup[/red]" in shown and "code" in shown and "**bold**" not in shown.splitlines()[-1]


def test_what_grows_never_fills_more_than_the_terminal() -> None:
    screen, out = terminal()
    screen.show(text("word\n" * 500 + "last"))
    assert screen._live is not None
    screen._live.refresh()
    assert "last" in out.getvalue() and out.getvalue().count("word") < 20
    screen.close()
    assert "last" in out.getvalue()


def test_the_end_says_what_was_used() -> None:
    screen, out = terminal()
    show(screen, text("hi"), Heard("completed", COMPLETED))
    assert "stop · about 1 + 2 tokens, the first after 0.02 s · 1.50 s" in out.getvalue()


def test_what_is_long_is_cut_beside_the_text() -> None:
    line = side_line(Heard("tool_result", {"tool_call_id": "1", "result": "x" * 10_000}))
    assert line is not None and len(line[0]) < 600


def test_a_call_is_approved_only_by_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(NobodyToAsk, match="--yes"):
        PipeScreen().approve("f")
    assert PipeScreen(yes=True).approve("f")
    for answer, approved in (("y", True), ("Yes", True), ("n", False), ("", False)):
        screen, _ = terminal()
        monkeypatch.setattr("builtins.input", lambda answer=answer: answer)
        assert screen.approve("f") is approved
