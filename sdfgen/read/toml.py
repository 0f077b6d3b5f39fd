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
_OTHER_TEXTS = (
    (b"\xff\xfe", "UTF-16", "save the file as UTF-8"),
    (b"\xfe\xff", "UTF-16", "save the file as UTF-8"),
    (b"\0", "a binary file", "give the path of a description"),
)
"""What is in the first bytes of files that editors and people take for text, and what to do."""
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
    try:
        if wanted_by and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise OSError("it is a device or a pipe")  # noqa: TRY301 - reading /dev/zero would never end
        with open(path, "rb") as file:
            content = file.read().removeprefix(_BYTE_ORDER_MARK)
        return Source(path, content.decode(), path)
    except UnicodeDecodeError as error:
        faults.add(_undecodable(path, content, error.start, wanted_by))
        return None
    except (OSError, ValueError) as error:
        what = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    place = wanted_by or Where(Source(path, ""))
    near, advice = look_around(path, "an existing description", (".toml",))
    faults.add(Fault("SDF001", f"{path!r} {what}{near}", place, advice))
    return None


def _undecodable(path: str, content: bytes, start: int, wanted_by: Where | None) -> Fault:
    for mark, name, advice in _OTHER_TEXTS:
        if mark in content[:_LOOKED_AT_BYTES]:
            place = wanted_by or Where(Source(path, ""))
            return Fault("SDF001", f"{path!r} is not UTF-8 text: it is {name}", place, advice)
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
