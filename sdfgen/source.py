"""Read phase, lower half: TOML text to a tree in which every value knows its place."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any, NamedTuple

from sdfgen.faults import Fault, Faults, Span

MAX_NESTING = 64
_SYNTAX_ERROR = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Path = tuple[str | int, ...]


class Source:
    """A text that a description was read from: a file, or one command-line setting.

    Attributes:
        name: What to call it in messages: the file's path as the user wrote it.
        path: The file's path for reading, or None for a command-line setting.
        text: Its content.
    """

    def __init__(self, name: str, text: str, path: str | None = None) -> None:
        self.name = name
        self.path = path
        self.text = text
        self._spans: dict[tuple[Path, bool], Span] | None = None
        self._lines: list[str] = []

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the place of a value (or of its key), or of the nearest table around it."""
        if self._spans is None:
            from sdfgen.positions import spans_of

            self._spans = spans_of(self.text)
        for length in range(len(path), 0, -1):
            exact = length == len(path)
            for of_key in (key, not key) if exact else (True, False):
                if (found := self._spans.get((path[:length], of_key))) is not None:
                    return found
        return Span(1, 1, 1)

    def line(self, number: int) -> str:
        """Return one line of the text, counted from 1; empty beyond the end."""
        self._lines = self._lines or self.text.split("\n")
        return self._lines[number - 1].removesuffix("\r") if 0 < number <= len(self._lines) else ""


class Where(NamedTuple):
    """The place of one value in a source; line and column are found only when somebody asks."""

    source: Source
    path: Path = ()
    key: bool = False

    @property
    def span(self) -> Span:
        """Line, column and width of the place, counted from 1."""
        return self.source.span(self.path, key=self.key)

    @property
    def text(self) -> str:
        """The place as a dotted path, the same on every machine: `block.client[0].name`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).lstrip(".")

    def of_key(self) -> Where:
        """Return the place of the key instead of its value."""
        return self._replace(key=True)


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
    faults.add(Fault("SDF001", f"{path!r} {what}", place, "give the path of an existing description"))
    return None


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
        faults.add(_syntax_fault(source, str(error)))
    return None


def _syntax_fault(source: Source, message: str) -> Fault:
    match = _SYNTAX_ERROR.match(message)
    what = match["what"] if match else message
    if match and match["line"]:
        span = Span(int(match["line"]), int(match["column"]), 1)
    else:
        span = Span(source.text.rstrip("\n").count("\n") + 1, 1, 1)
    lowered = what[:1].lower() + what[1:]
    return Fault("SDF002", f"not valid TOML: {lowered}", Where(source), "see https://toml.io/en/v1.0.0", span=span)


def merge(base: Node, other: Node, faults: Faults) -> Node:
    """Join two tables of different files: tables merge, arrays join, anything else may stand once."""
    merged = dict(base.value)
    for key, node in other.value.items():
        merged[key] = _join(key, merged[key], node, faults) if key in merged else node
    return Node(merged, base.where)


def _join(key: str, base: Node, other: Node, faults: Faults) -> Node:
    if isinstance(base.value, dict) and isinstance(other.value, dict):
        return merge(base, other, faults)
    if isinstance(base.value, list) and isinstance(other.value, list):
        return Node(base.value + other.value, base.where)
    faults.add(
        Fault(
            "SDF006",
            f"`{key}` is set in two included files",
            other.where.of_key(),
            "keep one of the two",
            notes=((base.where.of_key(), "set here first"),),
        )
    )
    return base


def override(base: Node, other: Node) -> Node:
    """Lay `other` over `base`: tables merge, named tables of an array merge by name, the rest replaces."""
    if isinstance(base.value, dict) and isinstance(other.value, dict):
        merged = dict(base.value)
        for key, node in other.value.items():
            merged[key] = override(merged[key], node) if key in merged else node
        return Node(merged, base.where)
    if _is_named_array(base) and base.value and isinstance(other.value, dict):
        other = Node([_named(name, node) for name, node in other.value.items()], other.where)
    if _is_named_array(base) and _is_named_array(other):
        return Node(_override_by_name(base.value, other.value), base.where)
    return other


def _named(name: str, node: Node) -> Node:
    """Turn `client.NAME = {...}` into the element of an array of tables that it stands for."""
    if not isinstance(node.value, dict):
        return node
    return Node({"name": Node(name, node.where.of_key()), **node.value}, node.where)


def _is_named_array(node: Node) -> bool:
    return isinstance(node.value, list) and all(
        isinstance(item.value, dict) and isinstance(_name_of(item), str) for item in node.value
    )


def _name_of(node: Node) -> object:
    return node.value["name"].value if "name" in node.value else None


def _override_by_name(base: list[Node], other: list[Node]) -> list[Node]:
    later = {_name_of(node): node for node in other}
    known = {_name_of(node) for node in base}
    kept = [override(node, later[_name_of(node)]) if _name_of(node) in later else node for node in base]
    return kept + [node for node in other if _name_of(node) not in known]


def load(path: str, faults: Faults) -> tuple[Node | None, list[str]]:
    """Read a description with everything it includes.

    Args:
        path: The description's file.
        faults: Takes every fault found on the way.

    Returns:
        The merged tree (None when the main file is no TOML), and the paths of all files read.
    """
    read: list[str] = []
    node = _load(path, None, (), read, faults)
    return node, read


def _load(path: str, wanted_by: Where | None, chain: tuple[str, ...], read: list[str], faults: Faults) -> Node | None:
    real = _real(path)
    if real in chain:
        place = wanted_by or Where(Source(path, ""))
        faults.add(Fault("SDF007", f"{os.path.normpath(path)!r} includes itself", place, "remove this include"))
        return None
    source = read_source(path, faults, wanted_by)
    if source is None:
        return None
    read.append(path)
    node = parse(source, faults)
    if node is None:
        return None
    for child in _includes(node, faults):
        target = os.path.join(os.path.dirname(path), child.value)
        included = _load(target, child.where, (*chain, real), read, faults)
        if included is not None:
            node = merge(node, included, faults)
    return node


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # a NUL in it; reading it will tell
        return path


def _includes(node: Node, faults: Faults) -> list[Node]:
    listed = node.value.pop("include", None)
    if listed is None:
        return []
    if isinstance(listed.value, list) and all(isinstance(item.value, str) for item in listed.value):
        return list(listed.value)
    faults.add(Fault("SDF003", "`include` must be a list of file names", listed.where, 'write include = ["FILE.toml"]'))
    return []


def setting(text: str, faults: Faults) -> Node | None:
    """Parse one `path=value` of the command line into a tree.

    The value is TOML; what is not (`--set system.config=release`) is taken as a string.
    """
    source = Source(f"--set {text}", text)
    path, equals, value = text.partition("=")
    if equals:
        for candidate in (f"{path} = {value}", f"{path} = {_quoted(value)}"):
            try:
                document = tomllib.loads(candidate)
            except (ValueError, RecursionError):
                continue
            return _relocated(document, Where(source))
    faults.add(
        Fault(
            "SDF008",
            f"--set {text!r} is not of the form path=value",
            Where(source),
            "for example --set system.config=release",
        )
    )
    return None


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


def _relocated(value: object, where: Where) -> Node:
    if isinstance(value, dict):
        return Node({k: _relocated(v, where) for k, v in value.items()}, where)
    if isinstance(value, list):
        return Node([_relocated(v, where) for v in value], where)
    return Node(value, where)
