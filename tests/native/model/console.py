"""What the multiplexer shows and hands out, in lines: a model that knows no queues, no steps and no room."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAMES = ("ann", "bob", "ann_vmm")
INPUTS = 2
QUEUE_BYTES = 4096
LINE_BYTES = 512
ESCAPE = 0x1C
MOST_NUMBER = 1000


class Act(NamedTuple):
    """A letter of console_shim.c, with its operands."""

    letter: str
    words: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What was shown, what each client received, and how much of each write there was room for."""

    shown: bytes
    received: tuple[bytes, ...]
    counts: tuple[int, ...]


def play(program: Sequence[str], start: int, acts: Iterable[Act]) -> Outcome:
    """What the program makes of a list of acts."""
    words = [str(start), *(word for act in acts for word in (act.letter, *act.words))]
    done = subprocess.run(program, input=" ".join(words) + "\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown, received, counts = b"", [], []
    for line in done.stdout.splitlines():
        letter, *rest = line.split(" ")
        if letter == "S":
            shown = bytes.fromhex(rest[0])
        elif letter == "I":
            received.append(bytes.fromhex(rest[1]))
        elif letter in {"W", "T"}:
            counts.append(int(rest[0]))
    return Outcome(shown, tuple(received), tuple(counts))


def shown_as(byte: int) -> str:
    return chr(byte) if byte == ord("\t") or 0x20 <= byte <= 0x7E else f"\\x{byte:02x}"


class Line(NamedTuple):
    """A line of a client's, each in pieces of the longest that is shown, and what it was on the way there."""

    text: str
    before: frozenset[str]


def lines_of(written: bytes) -> list[Line]:
    """The lines of what a client wrote, the last of which has no end."""
    found: list[Line] = []
    line, before, continued = "", {""}, False

    def end(*, continues: bool) -> None:
        nonlocal line, before, continued
        found.append(Line(line, frozenset(before)))
        line, before, continued = "", {""}, continues

    for byte in written:
        if byte == ord("\n"):
            if line or not continued:
                end(continues=False)
            continued = False
        elif byte == ord("\b"):
            line = line[:-1]
        elif byte != ord("\r"):
            line += shown_as(byte)
        before.add(line)
        if len(line) + 4 > LINE_BYTES:
            end(continues=True)
    return [*found, Line(line, frozenset(before))]


def handed_out(typed: bytes) -> tuple[tuple[bytes, ...], int]:
    """What each client gets of what is typed, and who has the input in the end."""
    inputs = [b""] * INPUTS
    focus, command, number = 0, False, ""
    for byte in typed:
        if number:
            if chr(byte).isdecimal() and byte < 0x80:
                number += chr(byte)
                continue
            if byte in b"\r\n" and min(int(number), MOST_NUMBER) < INPUTS:
                focus = int(number)
            number = ""
        elif command:
            command = False
            if ord("0") <= byte <= ord("9"):
                number = chr(byte)
            elif byte == ESCAPE:
                inputs[focus] += bytes([byte])
        elif byte == ESCAPE:
            command = True
        else:
            inputs[focus] += bytes([byte])
    return tuple(inputs), focus


def screen(shown: bytes) -> list[tuple[str, str]]:
    """The lines of a terminal, name and text each; nothing else may have been sent to it."""
    found = []
    for line in shown.decode("ascii").split("\r\n"):
        text = ""
        parts = line.split("\b \b")
        for number, part in enumerate(parts):
            text = (text[:-1] if number else "") + part
        assert all(letter == "\t" or " " <= letter <= "~" for letter in text), line
        if text:
            name, mark, rest = text.partition("| ")
            assert mark, text
            assert name in {*NAMES, "mux"}, text
            found.append((name, rest))
    return found


def is_shown(lines: Sequence[Line], shown: Sequence[str]) -> bool:
    """Whether a client's lines are there, in order, with nothing in between but what the next one was on the way."""
    at = {0}
    for text in shown:
        ended = {number + 1 for number in at if number < len(lines) - 1 and lines[number].text == text}
        at = ended | {number for number in at if text in lines[number].before}
    return len(lines) - 1 in at
