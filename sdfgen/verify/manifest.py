"""Holds the manifest against the description: whoever edits, cuts or swaps it is found out, record by record."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.emit.manifest import SEAL, decided, head, text_of, unsealed
from sdfgen.facts.data import data_path
from sdfgen.faults.place import Span
from sdfgen.generate import manifest_records
from sdfgen.records import NamedTuple
from sdfgen.verify.made import MANIFEST, START, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.describe import Description
    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System
    from sdfgen.verify.made import Made

Record = dict[str, Any]
_FILES = ("inputs", "outputs")
_FREE = ("tools", SEAL)
"""What follows from what was installed when it was built, not from the description."""
_OF_THE_ELF = ("state", "vaddr", "file_offset", "old", "new")
"""What the patcher found; the ELF itself is read back."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_FAULTS = 20


class Manifest(NamedTuple):
    """What a manifest says of files.

    Attributes:
        inputs: SHA-256 of everything that was read, by name.
        outputs: SHA-256 of everything that was made, by path.
        lines: The line of each name in each of both sections.
    """

    inputs: dict[str, str]
    outputs: dict[str, str]
    lines: dict[tuple[str, str], int]


class _BadError(Exception):
    """It has not the form of a manifest; `line` is where."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


def read_manifest(made: Made) -> Manifest | Fault:
    """Return what the manifest says of files, or why it can't be used.

    Args:
        made: The folder.
    """
    content = made.content(outputs.MANIFEST)
    if content is None:
        return made.fault(MANIFEST, f"there is no {outputs.MANIFEST}: nothing says what was built", outputs.MANIFEST)
    try:
        return _files(_parsed(content), made.text(outputs.MANIFEST).text)
    except _BadError as error:
        span = _inside(made, error.line)
        return made.fault(MANIFEST, f"{outputs.MANIFEST} is no manifest: {error}", outputs.MANIFEST, span)


def _inside(made: Made, line: int) -> Span:
    return Span(max(1, min(line, made.text(outputs.MANIFEST).text.count("\n") + 1)), 1, 1)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content.decode(), parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise _BadError(f"{error.msg[:1].lower()}{error.msg[1:]}", error.lineno) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _BadError(str(error)) from error
    if not isinstance(found, dict):
        raise _BadError("it is no JSON object")
    return found


def _no_number(name: str) -> float:
    raise _BadError(f"{name} is no number")


def _files(found: dict[str, Any], text: str) -> Manifest:
    sections: dict[str, dict[str, str]] = {}
    lines: dict[tuple[str, str], int] = {}
    for section in _FILES:
        records = found.get(section)
        if not isinstance(records, list):
            raise _BadError(f"it has no list `{section}`")
        sections[section] = {}
        for record in records:
            name, digest = _file(section, record)
            if name in sections[section]:
                raise _BadError(f"`{section}` has {name!r} twice", _line_of(text, section, record))
            sections[section][name] = digest
            lines[section, name] = _line_of(text, section, record)
    return Manifest(sections["inputs"], sections["outputs"], lines)


def _file(section: str, record: object) -> tuple[str, str]:
    if isinstance(record, dict) and record.keys() == {"file", "sha256"}:
        name, digest = record["file"], record["sha256"]
        if (
            isinstance(name, str)
            and isinstance(digest, str)
            and name
            and "\0" not in name
            and _DIGEST.fullmatch(digest)
        ):
            return name, digest
    raise _BadError(f"`{section}` has a record that is not a file and its SHA-256: {str(record)[:80]}")


def _line_of(text: str, section: str, record: object) -> int:
    """Return the line of a record, as a manifest is written; 1 when it is written otherwise."""
    start = max(0, text.find(f'\n  "{section}": ['))
    at = text.find(json.dumps(record), start)
    return text.count("\n", 0, at) + 1 if at >= 0 else 1


def differences(description: Description, system: System, made: Made) -> Iterator[Fault]:
    """Yield what a manifest that could be read says otherwise than the description.

    Args:
        description: The description.
        system: What it makes for the board.
        made: The folder.
    """
    content = _parsed(made.content(outputs.MANIFEST) or b"{}")
    found = list(_Reader(made, content).differences(_decided(description, system)))
    yield from found[:_MAX_FAULTS]
    if len(found) > _MAX_FAULTS:
        more = f"{len(found) - _MAX_FAULTS} more records of {outputs.MANIFEST} differ"
        yield made.fault(MANIFEST, more, outputs.MANIFEST, found[-1].place)
    if not found:
        yield from _rewritten(made, content)


def _decided(description: Description, system: System) -> dict[str, Any]:
    folder, shipped = os.path.dirname(description.path) or ".", data_path("boards")
    own = (path for path in description.files if os.path.dirname(path) != shipped)
    names = {path: os.path.relpath(path, folder) for path in own}
    return {**head(system), **decided(system, {}, names, manifest_records(system))}


def _rewritten(made: Made, content: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield where the text is not as such a content is written: what JSON passes over, such as a name given twice."""
    text = (made.content(outputs.MANIFEST) or b"").decode()
    written = text_of(content)
    if text != written:
        lines, right = text.split("\n"), written.split("\n")
        pairs = enumerate(zip(lines, right, strict=False), 1)
        number = next((at for at, (one, other) in pairs if one != other), min(len(lines), len(right)))
        yield made.fault(MANIFEST, f"{outputs.MANIFEST} was edited here", outputs.MANIFEST, _inside(made, number))
    elif content.get(SEAL) != (digest := hashlib.sha256(unsealed(text).encode()).hexdigest()):
        message = f"{outputs.MANIFEST} was edited: its SHA-256 is {digest}, {content.get(SEAL)} at its end"
        yield made.fault(MANIFEST, message, outputs.MANIFEST, _inside(made, text.count("\n") - 1))


class _Reader:
    def __init__(self, made: Made, content: Mapping[str, Any]) -> None:
        self._made = made
        self._content = content
        self._text = made.text(outputs.MANIFEST).text

    def differences(self, decided: Mapping[str, Any]) -> Iterator[Fault]:
        """Yield what differs from what the description makes."""
        for name, right in decided.items():
            if name not in self._content:
                yield self._fault(f"section `{name}` is missing", START)
            elif isinstance(right, list):
                yield from self._section(name, self._content[name], right)
            elif self._content[name] != right:
                line = self._line(f'  "{name}": ')
                verb = "is installed" if name == "generator" else "was decided"
                yield self._fault(f"{name}: {self._content[name]!r} is written, {right!r} {verb}", line)
        for name in self._content.keys() - decided.keys() - {*_FILES, *_FREE}:
            yield self._fault(f"section `{name}` was not decided", self._line(f"  {json.dumps(name)}: "))

    def _section(self, name: str, records: object, right: list[Record]) -> Iterator[Fault]:
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            yield self._fault(f"section `{name}` is no list of records", self._line(f'  "{name}": '))
            return
        if len(records) != len(right):
            message = f"section `{name}` has {len(records)} records, {len(right)} were decided"
            yield self._fault(message, self._line(f'  "{name}": '))
            return
        for record, other in zip(records, right, strict=True):
            yield from self._record(name, record, other)

    def _record(self, section: str, record: Record, right: Record) -> Iterator[Fault]:
        free = _OF_THE_ELF if section == "patches" else ()
        for key in sorted({*record, *right} - {*free}):
            if record.get(key) != right.get(key):
                line = Span(_line_of(self._text, section, record), 1, 1)
                what = f"`{key}` of {_label(right)} in section `{section}`"
                message = f"{what}: {shown(record.get(key))} is written, {shown(right.get(key))} was decided"
                yield self._fault(message, line)

    def _line(self, start: str) -> Span:
        at = self._text.find(f"\n{start}")
        return Span(self._text.count("\n", 0, at) + 2, 1, 1) if at >= 0 else START

    def _fault(self, message: str, span: Span) -> Fault:
        return self._made.fault(MANIFEST, f"{outputs.MANIFEST}: {message}", outputs.MANIFEST, span)


def _label(record: Record) -> str:
    """Return what a record is about: its first values that are names."""
    names = [str(value) for value in record.values() if isinstance(value, str)]
    return " ".join(f"`{name}`" for name in names[:2]) or str(next(iter(record.values()), "a record"))
