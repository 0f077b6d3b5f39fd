"""Which of the user's headers a compile needs: what our C includes of them, and what these include in turn.

Two readers: one of ours follows every `#include` in a millisecond, but knows no `#if`. Only where it misses
something the compiler's preprocessor is asked, which knows.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from sdfgen.build.zig_cache import zig_cache
from sdfgen.faults.place import Span
from sdfgen.faults.source import Source, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sdfgen.faults.place import Path

_INCLUDE: Final = re.compile(rb'^[ \t]*#[ \t]*include(?:_next)?[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
_OF_COMPILERS: Final = frozenset(
    f"{name}.h"
    for name in (
        *("float", "iso646", "limits", "stdalign", "stdarg", "stdatomic"),
        *("stdbool", "stddef", "stdint", "stdnoreturn"),
    )
)
"""Headers of a freestanding implementation (C11, section 4): compilers bring their own."""
_MOST_FILES: Final = 4096
_MOST_BYTES: Final = 1 << 22
"""As much as is read of one header, and as many as are read: an include folder may be anything."""
_PATIENCE_S: Final = 60


class Lines(Source):
    """A file whose places are lines, each from 1 and with a width."""

    def span(self, path: Path, *, key: bool = False) -> Span:  # noqa: ARG002 - a line has no key
        """Return the place of a line's text."""
        number = int(path[0]) if path else 1
        text = self.line(number)
        lead = len(text) - len(text.lstrip())
        return Span(number, lead + 1, max(1, len(text.strip())))


class Missing(NamedTuple):
    """A header that is included and lies nowhere.

    Attributes:
        name: The name that it is included by.
        includer: The file that includes it.
        line: Where that file does.
    """

    name: str
    includer: str
    line: int

    @property
    def where(self) -> Where:
        """The place of the `#include`."""
        with open(self.includer, encoding="utf-8", errors="replace") as file:
            return Where(Lines(self.includer, file.read(), self.includer), (self.line,))


def perhaps_missing(sources: Iterable[str], folders: Sequence[str]) -> list[Missing]:
    """Return the headers that lie nowhere, each once, though the compiler may never look for one.

    Args:
        sources: C files that are compiled.
        folders: Where headers are looked for, in this order.
    """
    missing: dict[str, Missing] = {}
    waiting = list(sources)
    seen = set(waiting)
    while waiting and len(seen) < _MOST_FILES:
        path = waiting.pop()
        for line, name, quoted in _includes(path):
            found = _find(name, ([os.path.dirname(path)] if quoted else []) + list(folders))
            if found is None and name not in _OF_COMPILERS:
                missing.setdefault(name, Missing(name, path, line))
            elif found is not None and found not in seen:
                seen.add(found)
                waiting.append(found)
    return sorted(missing.values())


def _includes(path: str) -> list[tuple[int, str, bool]]:
    """Return what a file includes: the line, the name, and whether it stands in quotes."""
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST_BYTES)
    except OSError:
        return []
    return [
        (text.count(b"\n", 0, match.start(2)) + 1, os.fsdecode(match[2]), match[1] == b'"')
        for match in _INCLUDE.finditer(text)
    ]


def _find(name: str, folders: Iterable[str]) -> str | None:
    paths = (os.path.join(folder, name) for folder in folders)
    return next((path for path in paths if os.path.isfile(path)), None)


def missing(perhaps: Iterable[Missing], sources: Iterable[str], command: Sequence[str], folder: str) -> list[Missing]:
    """Return those of the headers that lie nowhere for which the compiler looks.

    Args:
        perhaps: The headers that may be missing.
        sources: The C files that are compiled.
        command: The compiler, with the flags of a compile.
        folder: Where it runs.
    """
    left = {one.name: one for one in perhaps}
    wanted: list[Missing] = []
    for source in sources:
        if not left:
            break
        wanted += [left.pop(name) for name in sorted(_unmet([*command, "-M", "-MG", source], folder) & left.keys())]
    return sorted(wanted)


def _unmet(command: Sequence[str], folder: str) -> set[str]:
    """Return the words of the Make rule that a preprocessor writes; what it cannot find is there as it is included."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as cache:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, **zig_cache(cache)},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_PATIENCE_S,
            )
        except (OSError, subprocess.TimeoutExpired):
            return set()
    return set(done.stdout.replace("\\\n", " ").split())
