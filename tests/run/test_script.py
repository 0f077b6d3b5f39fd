"""Steps of a run: what is typed when, what is seen of it, and command lines and files that make no sense."""

from __future__ import annotations

import os
import pty
import termios
from typing import TYPE_CHECKING

import pytest

from sdfgen.commands.options import parse, steps
from sdfgen.faults.place import Span
from sdfgen.run.console import Consoles, Line
from sdfgen.run.script import Script, Word, read_script, steps_of
from sdfgen.run.status import UsageError
from sdfgen.run.terminal import Keyboard, Typist, raw_mode

if TYPE_CHECKING:
    from pathlib import Path

CONSOLES = Consoles(("ann", "bob"), {"ann": "ann", "bob": "bob"}, None)
NUMBERS = {"ann": 0, "bob": 1}


def script(*words: tuple[str, str]) -> Script:
    return Script(steps_of([Word(*word) for word in words], CONSOLES, NUMBERS), CONSOLES)


def ann(text: str) -> Line:
    return Line("ann", text)


def bob(text: str) -> Line:
    return Line("bob", text)


def test_what_is_typed_waits_for_all_before_it() -> None:
    taken = script(("expect", "ann:up"), ("expect", "bob:up"), ("send", r"bob:ls\n"), ("expect", "bob:bin"))
    assert taken.due() == b""
    assert not taken.see(bob("up"))
    assert taken.due() == b""
    assert not taken.see(ann("up"))
    assert taken.due() == b"\x1c1\rls\n"
    assert taken.due() == b""
    assert not taken.done
    assert taken.see(bob("bin"))
    assert taken.done


def test_one_consoles_lines_are_seen_in_order() -> None:
    taken = script(("expect", "ann:one"), ("expect", "ann:two"))
    assert not taken.see(ann("two"))
    assert not taken.see(ann("one"))
    assert [one.text for one in taken.missing] == ["ann:two"]
    assert taken.see(ann("two"))


def test_nothing_is_typed_before_somebody_is_heard() -> None:
    taken = script(("send", "ann:x"))
    assert taken.due() == b""
    taken.see(Line(None, "the kernel"))
    assert taken.due() == b""
    taken.see(bob("hello"))
    assert taken.due() == b"\x1c0\rx"
    assert not taken.done  # nothing was to be seen


def test_a_prompt_that_was_seen_is_no_other_until_it_changes() -> None:
    taken = script(("expect", "ann:# $"), ("send", r"ann:id\n"), ("expect", "ann:# $"))
    assert not taken.see(ann("# "), finished=False)
    assert taken.due() == b"\x1c0\rid\n"
    assert not taken.see(ann("# "), finished=False)
    assert not taken.see(ann("# id"))
    assert taken.see(ann("# "), finished=False)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (r"ann:a\n\r\t\e\0\\\x41", b"a\n\r\t\x1b\0\\A"),
        (r"ann:\x1c", b"\x1c\x1c"),
        ("ann:a:b", b"a:b"),
        ("ann:", b""),
        ("ann:\u00e9", "\u00e9".encode()),
    ],
)
def test_text_is_typed_as_it_is_written(text: str, typed: bytes) -> None:
    (step,) = steps_of([Word("send", text)], CONSOLES, NUMBERS)
    assert step.send == b"\x1c0\r" + typed


@pytest.mark.parametrize(
    ("text", "numbers", "said"),
    [
        ("ann:x", {}, "--send ann:x: nobody can be typed to"),
        ("anm:x", NUMBERS, "--send anm:x: there is no console 'anm' (did you mean `ann`?)"),
        ("x", NUMBERS, "--send x: write NAME:TEXT"),
        (r"ann:\q", NUMBERS, r"--send ann:\q: `\q` is none of \n \r \t \e \0 \\ and \xNN"),
        (r"ann:x" + "\\", NUMBERS, "--send ann:x\\: `\\` is none of \\n \\r \\t \\e \\0 \\\\ and \\xNN"),
    ],
)
def test_what_can_not_be_typed_is_told(text: str, numbers: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError) as error:
        steps_of([Word("send", text)], CONSOLES, numbers)
    assert str(error.value) == said


def test_a_script_is_read(tmp_path: Path) -> None:
    path = tmp_path / "steps"
    path.write_text("# first\nexpect ann:# $\n\n  send ann:ls -l\\n\n")
    found = [(word.kind, word.text, word.where and word.where.span) for word in read_script(str(path))]
    assert found == [("expect", "ann:# $", Span(2, 1, 1)), ("send", r"ann:ls -l\n", Span(4, 3, 1))]


@pytest.mark.parametrize(
    ("content", "said", "place"),
    [
        (b"expect a\n wait 3\n", "`wait 3` is neither `send NAME:TEXT` nor `expect REGEX`", Span(2, 2, 1)),
        (b"send\n", "`send` is neither `send NAME:TEXT` nor `expect REGEX`", Span(1, 1, 1)),
        (b"expect a\nexpect (\n", "expect (: missing ), unterminated subpattern at position 0", Span(2, 1, 1)),
        (b"send eve:x\n", "send eve:x: there is no console 'eve'", Span(1, 1, 1)),
        (b"send x\n", "send x: write NAME:TEXT", Span(1, 1, 1)),
        (b"send ann:\\q\n", r"send ann:\q: `\q` is none of \n \r \t \e \0 \\ and \xNN", Span(1, 1, 1)),
    ],
)
def test_a_script_that_makes_no_sense_is_told(content: bytes, said: str, place: Span, tmp_path: Path) -> None:
    path = tmp_path / "steps"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        steps_of(read_script(str(path)), CONSOLES, NUMBERS)
    assert str(error.value) == said
    assert error.value.fault is not None
    assert (error.value.fault.where.source.name, error.value.fault.place) == (str(path), place)


def test_a_script_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "steps"
    path.write_bytes(b"\xff\n")
    with pytest.raises(UsageError) as error:
        read_script(str(path))
    assert (str(error.value), error.value.fault) == (f"--script {path}: this is not UTF-8 text", None)


def test_the_order_of_a_command_line_counts() -> None:
    words = ["run", "system.toml", "--expect", "a", "--send", "ann:b", "--expect", "c"]
    parsed = parse(words)
    assert parsed is not None
    wanted = (("expect", "a"), ("send", "ann:b"), ("expect", "c"))
    assert parsed[1]["steps"] == wanted
    assert steps(["--expect=a", "--send=ann:b", "--expect", "c", "--", "--send", "x"]) == wanted


def interrupted(terminal: int) -> None:
    with raw_mode(terminal):
        assert termios.tcgetattr(terminal)[3] & (termios.ICANON | termios.ECHO | termios.ISIG) == 0
        raise KeyboardInterrupt


def test_the_terminal_is_given_back_whatever_happens() -> None:
    _, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    with pytest.raises(KeyboardInterrupt):
        interrupted(terminal)
    assert termios.tcgetattr(terminal) == before


@pytest.mark.parametrize(
    ("keys", "typed"), [(b"ab\x03", b"ab\x03"), (b"\x01\x01", b"\x01"), (b"\x01q", b"q"), (b"a\x01x", None)]
)
def test_keys_are_the_guests_but_for_the_one_that_ends_the_run(keys: bytes, typed: bytes | None) -> None:
    reading, writing = os.pipe()
    os.write(writing, keys)
    assert Keyboard(reading).read() == typed


def test_who_reads_slowly_is_waited_for_and_nobody_else_waits() -> None:
    reading, writing = os.pipe()
    typist = Typist(writing)
    text = bytes(1 << 20)
    typist.type(text)
    assert typist.waiting
    got = 0
    while got < len(text):
        got += len(os.read(reading, 1 << 16))
        typist.write()
    assert not typist.waiting
    os.close(reading)
    typist.type(b"x")
    assert not typist.waiting
