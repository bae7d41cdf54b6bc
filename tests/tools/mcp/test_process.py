"""What the servers complain of, without end."""

from chatapp.tools.mcp.process import Allowance


def test_a_flood_is_counted_and_not_kept() -> None:
    allowance = Allowance(10, 1000.0)
    assert allowance.taken(b"one\ntwo\n") == b"one\ntwo\n"
    assert allowance.taken(b"three\nfour\n") == b"th"
    assert [allowance.taken(b"five\n") for _ in range(3)] == [b"", b"", b""]
    assert allowance.note() == b"\n[5 lines dropped]\n"
    assert allowance.note() == b""


def test_it_begins_anew_after_its_time() -> None:
    allowance = Allowance(4, 0.0)
    assert allowance.taken(b"one\ntwo\n") == b"one\n"
    assert allowance.taken(b"six\n") == b"\n[1 lines dropped]\nsix\n"
