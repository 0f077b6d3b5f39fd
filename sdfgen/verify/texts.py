"""Generated files, byte for byte: whatever a reader of their meaning passes over is found here, by its line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.faults.place import Span
from sdfgen.verify.made import MISSING, NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from sdfgen.faults.fault import Fault
    from sdfgen.verify.made import Made

_WORD = re.compile(r"0x[0-9a-fA-F]+|[0-9]+|[A-Za-z_]\w*|\s+|.")
_NAME = re.compile(r'\.(\w+) = $|(\w[\w#,-]*)="$|(\w[\w#,-]*) = [<"0-9a-fx ]*$|#define (\w+) $')
_SHOWN_LINES = 5
_SHOWN_CHARACTERS = 60


def differences(made: Made, name: str, expected: bytes, known: AbstractSet[int] = frozenset()) -> Iterator[Fault]:
    """Yield where a file is not what is generated.

    Args:
        made: The folder.
        name: The file; one that is missing differs nowhere.
        expected: What is generated.
        known: Lines of which something has been told already.
    """
    content = made.content(name)
    if content is None or content == expected:
        return
    if b"\0" in expected or b"\0" in content:
        if not known:
            yield _binary(made, name, content, expected)
        return
    lines, wanted = (data.decode(errors="replace").split("\n") for data in (content, expected))
    if len(lines) != len(wanted):
        if not known:
            yield _longer(made, name, lines, wanted)
        return
    differing = [at for at, (line, right) in enumerate(zip(lines, wanted, strict=True), 1) if line != right]
    found = [_line(made, name, at, lines[at - 1], wanted[at - 1]) for at in differing if at not in known]
    yield from found[:_SHOWN_LINES]
    if len(found) > _SHOWN_LINES:
        yield made.fault(MISSING, f"{len(found) - _SHOWN_LINES} more lines differ", name, Span(differing[-1], 1, 1))
    if not differing:
        yield _binary(made, name, content, expected)


def _binary(made: Made, name: str, content: bytes, expected: bytes) -> Fault:
    same = _same_length(content, expected)
    lengths = "" if len(content) == len(expected) else f"; it has {len(content)} bytes, {len(expected)} are generated"
    return made.fault(MISSING, f"{name} differs from byte {same:#x} on from what is generated{lengths}", name)


def _longer(made: Made, name: str, lines: list[str], wanted: list[str]) -> Fault:
    at = _same_length(lines, wanted)
    right = f"`{_short(wanted[at])}` is generated here" if at < len(wanted) else "nothing is generated here"
    message = f"{right}; there are {len(lines) - 1} lines, {len(wanted) - 1} are generated"
    return made.fault(MISSING, message, name, Span(min(at + 1, len(lines)), 1, 1))


def _same_length(one: bytes | list[str], other: bytes | list[str]) -> int:
    """Return how long two sequences are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _line(made: Made, name: str, number: int, line: str, right: str) -> Fault:
    """Return what a line has otherwise: a number or word where the rest is the same, or the line."""
    words, wanted = _WORD.findall(line), _WORD.findall(right)
    differing = [at for at, (word, other) in enumerate(zip(words, wanted, strict=False)) if word != other]
    if len(words) != len(wanted) or len(differing) != 1:
        column = _same_length(line, right) + 1  # type: ignore[arg-type]
        return made.fault(MISSING, f"`{_short(right)}` is generated here", name, Span(number, column, 1))
    (at,) = differing
    before = "".join(words[:at])
    told = next((group for match in [_NAME.search(before)] if match for group in match.groups() if group), None)
    what = f"{told}: " if told else ""
    code = NUMBER if wanted[at][0].isdigit() else MISSING
    message = f"{what}{words[at]} is written, {wanted[at]} was decided"
    return made.fault(code, message, name, Span(number, len(before) + 1, len(words[at])))


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
