"""TOML text to a tree in which every value knows its place."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from sdfgen.faults.fault import Fault, Faults
from sdfgen.faults.place import MAX_NESTING, Span
from sdfgen.faults.source import Source, Where
from sdfgen.read.files import look_around

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT_BYTES = 4096


class Node:
    """A TOML value with its place; tables hold nodes by key, arrays hold nodes in order."""

    __slots__ = ("value", "where")

    def __init__(self, value: Any, where: Where) -> None:  # noqa: ANN401 - TOML values are of any type
        self.value = value
        self.where = where


class TooDeepError(Exception):
    """Values nest too deeply, at `where`."""

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self.where = where


def locate(value: object, where: Where) -> Node:
    """Give every value below `value` its place.

    Raises:
        TooDeepError: When values nest deeper than `MAX_NESTING`.
    """
    if len(where.path) > MAX_NESTING:
        raise TooDeepError(where)
    source, path, _ = where
    if isinstance(value, dict):
        return Node({k: locate(v, Where(source, (*path, k))) for k, v in value.items()}, where)
    if isinstance(value, list):
        return Node([locate(v, Where(source, (*path, i))) for i, v in enumerate(value)], where)
    return Node(value, where)


def read_source(path: str, faults: Faults, wanted_by: Where | None = None) -> Source | None:
    """Read a file as UTF-8 text.

    Args:
        path: The file.
        faults: Takes the fault when it cannot be read.
        wanted_by: The place that names the file, or None for the command line.
    """
    place = wanted_by or Where(Source(path, ""))
    try:
        if wanted_by and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise OSError("it is a device or a pipe")  # noqa: TRY301 - reading /dev/zero would never end
        with open(path, "rb") as file:
            content = file.read().removeprefix(_BYTE_ORDER_MARK)
        other = _other_text(content[:_LOOKED_AT_BYTES])
        if other is None:
            return Source(path, content.decode(), path)
        fault = Fault("SDF001", f"{path!r} is not UTF-8 text: it is {other[0]}", place, other[1])
    except UnicodeDecodeError as error:
        fault = _undecodable(path, content, error.start, wanted_by)
    except (OSError, ValueError) as error:
        wanted = "an existing description" if wanted_by else "a description, or begin one: sdfgen init NAME"
        near, advice = look_around(path, wanted, (".toml",))
        what = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        fault = Fault("SDF001", f"{path!r} {what}{near}", place, advice)
    faults.add(fault)
    return None


def _other_text(head: bytes) -> tuple[str, str] | None:
    """Return what a file is that editors and people take for text, from its first bytes, and what to do."""
    halves = [half == b"\0\0" for half in (head[0:3:2], head[1:4:2])]
    if head.startswith(_UTF16_MARKS) or halves[0] != halves[1]:
        return "UTF-16", "save the file as UTF-8"
    return ("a binary file", "give the path of a description") if b"\0" in head else None


def _undecodable(path: str, content: bytes, start: int, wanted_by: Where | None) -> Fault:
    before = content[:start].decode()
    span = Span(before.count("\n") + 1, len(before) - before.rfind("\n"), 1)
    place = Where(Source(path, content.decode(errors="replace"), path))
    notes = ((wanted_by, "included here"),) if wanted_by else ()
    message = f"not UTF-8 text: byte {content[start]:#x} cannot be decoded"
    return Fault("SDF001", message, place, "save the file as UTF-8", notes, span=span)


def parse(source: Source, faults: Faults) -> Node | None:
    """Parse TOML; a syntax error is a fault and gives None."""
    try:
        return locate(tomllib.loads(source.text.replace("\r\n", "\n")), Where(source))
    except (RecursionError, TooDeepError) as error:
        place = error.where if isinstance(error, TooDeepError) else Where(source)
        faults.add(Fault("SDF002", "values nest too deeply", place, f"{MAX_NESTING} levels is the limit"))
    except ValueError as error:
        from sdfgen.read.toml_syntax import syntax_fault

        faults.add(syntax_fault(source, str(error)))
    return None
