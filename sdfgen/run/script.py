"""What is typed to the guests, and what is waited for in between: steps in the order in which they are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import suggestion
from sdfgen.faults.source import Text, Where
from sdfgen.records import NamedTuple
from sdfgen.run.expect import expectation
from sdfgen.run.status import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sdfgen.run.console import Consoles, Line
    from sdfgen.run.expect import Expectation

SEND: Final = "send"
EXPECT: Final = "expect"
COMMAND: Final = b"\x1c"
"""What begins a command for whoever shares the line out (docs/console.md); twice, it is the key itself."""
FULL_SCREEN: Final = COMMAND + b"f"
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "e": "\x1b", "0": "\0"}
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|.?)")


class Word(NamedTuple):
    """What a command line or a script wants typed or seen.

    Attributes:
        kind: `send` or `expect`.
        text: What follows it.
        where: Its place in a script; None for one of a command line.
    """

    kind: str
    text: str
    where: Where | None = None

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{'--' if self.where is None else ''}{self.kind} {self.text}"


class Step(NamedTuple):
    """Something to be typed, or something to be seen."""

    send: bytes | None
    wanted: Expectation | None


def choose(number: int) -> bytes:
    """Return what gives the input to the console of a number."""
    return COMMAND + str(number).encode() + b"\r"


def steps_of(words: Iterable[Word], consoles: Consoles, numbers: Mapping[str, int]) -> list[Step]:
    """Return the steps that a command line or a script writes.

    Args:
        words: What is wanted.
        consoles: The guests.
        numbers: The numbers of consoles that one can type into, by name.

    Raises:
        UsageError: When one of them makes no sense.
    """
    return [
        Step(None, expectation(word.text, consoles, word.where))
        if word.kind == EXPECT
        else Step(_typed(word, consoles, numbers), None)
        for word in words
    ]


def nobody(words: str, consoles: Consoles, where: Where | None = None) -> UsageError:
    """Return what is told where nobody can be typed to.

    Args:
        words: What wants to be typed, as it is written.
        consoles: The guests.
        where: Its place in a script; None for one of a command line.
    """
    message, advice = f"{words}: nobody can be typed to", "[console] gives guests such consoles: docs/console.md"
    return UsageError(message, where or consoles.system, advice)


def _typed(word: Word, consoles: Consoles, numbers: Mapping[str, int]) -> bytes:
    name, colon, rest = word.text.partition(":")
    if not numbers:
        raise nobody(str(word), consoles, word.where)
    if not colon or name not in numbers:
        wrong = f"there is no console {name!r}{suggestion(name, numbers)}" if colon else "write NAME:TEXT"
        advice = f"the consoles are {', '.join(numbers)}"
        raise UsageError(f"{word}: {wrong}", word.where or consoles.place(name), advice)
    return choose(numbers[name]) + _unescaped(rest, word).encode().replace(COMMAND, 2 * COMMAND)


def _unescaped(text: str, whole: Word) -> str:
    def one(found: re.Match[str]) -> str:
        word = found[1]
        if word not in _ESCAPES and len(word) != len("xNN"):
            raise UsageError(f"{whole}: `\\{word}` is none of \\n \\r \\t \\e \\0 \\\\ and \\xNN", whole.where)
        return _ESCAPES.get(word) or chr(int(word[1:], 16))

    return _ESCAPE.sub(one, text)


def read_script(path: str) -> list[Word]:
    """Return the steps of a file: a line `send NAME:TEXT` or `expect [NAME:]REGEX` each; `#` begins a comment line.

    Args:
        path: The file.

    Raises:
        UsageError: When a line is neither, or the file is not text.
        OSError: When it can't be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            source = Text(path, file.read())
    except UnicodeDecodeError as error:
        raise UsageError(f"--script {path}: this is not UTF-8 text") from error
    found = []
    for number, line in enumerate(source.text.splitlines(), 1):
        kind, _, text = line.strip().partition(" ")
        where = Where(source, (number, len(line) - len(line.lstrip()) + 1))
        if kind in {SEND, EXPECT} and text.strip():
            found.append(Word(kind, text.strip(), where))
        elif kind and not kind.startswith("#"):
            raise UsageError(f"`{line.strip()}` is neither `send NAME:TEXT` nor `expect REGEX`", where)
    return found


class Script:
    """Steps that are taken one after the other: what is typed waits for all that stands before it.

    What is to be seen between two that are typed is seen on each console in its order, and consoles don't wait for each
    other. Nothing is typed before somebody is heard, who then hears, too.
    """

    def __init__(self, steps: Sequence[Step], consoles: Consoles) -> None:
        self._steps = list(steps)
        self._consoles = consoles
        self._heard = False
        self._stale: Line | None = None
        self.count = sum(step.wanted is not None for step in steps)

    @property
    def missing(self) -> list[Expectation]:
        """What was not seen yet."""
        return [step.wanted for step in self._steps if step.wanted is not None]

    def see(self, line: Line, *, finished: bool = True) -> bool:
        """Look at a line; tell whether it was the last step.

        A line that has not finished and was what a step waited for is that for no other, until it changes.

        Args:
            line: The line.
            finished: It has ended.
        """
        self._heard |= line.guest is not None
        met = [step for step in self._next() if line != self._stale and self._shows(step, line)]
        if met:
            self._stale = None if finished else line
            self._steps = [step for step in self._steps if not any(step is one for one in met)]
        elif finished:
            self._stale = None
        return bool(met) and not self._steps

    def _next(self) -> Iterator[Step]:
        """Yield what is to be seen next on each console, before anything is typed."""
        begun: set[str | None] = set()
        for step in self._steps:
            if step.wanted is None:
                return
            if step.wanted.console not in begun:
                begun.add(step.wanted.console)
                yield step

    def _shows(self, step: Step, line: Line) -> bool:
        wanted = step.wanted
        return (
            wanted is not None
            and self._consoles.shows(wanted.console, line)
            and wanted.pattern.search(line.text) is not None
        )

    def due(self) -> bytes:
        """Return what is to be typed now; each is returned once."""
        typed = b""
        while self._heard and self._steps and self._steps[0].send is not None:
            typed += self._steps.pop(0).send or b""
        return typed

    @property
    def done(self) -> bool:
        """All that was to be seen was seen, and all was typed; false when there is nothing to be seen."""
        return bool(self.count) and not self._steps
