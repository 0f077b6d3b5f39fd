"""Faults as JSON for machines.

Annotations are evaluated here on purpose: `sdfgen schema --of check` makes the JSON Schema of them.
"""

from collections.abc import Sequence

from sdfgen.faults.fault import Fault
from sdfgen.faults.source import Where
from sdfgen.records import NamedTuple, plain

FORMAT = "sdfgen check"
VERSION = 1
"""Of the JSON form: grows when a key goes, or means something else; new keys do not count."""


class NoteFinding(NamedTuple):
    """Another place that takes part in a fault.

    Attributes:
        message: What it has to do with it.
        file: The file, as it was named; an option, where the command line is the place.
        line: Its line, from 1.
        column: Its column, from 1.
        path: The key, such as `guest[0].ram`, or the attribute; empty where there is none.
    """

    message: str
    file: str
    line: int
    column: int
    path: str


class FaultFinding(NamedTuple):
    """Something that is wrong, or unusual.

    Attributes:
        code: `SDF0nn`; `sdfgen explain` says what it means.
        severity: `error`, `warning` or `note`.
        message: What is wrong.
        file: The file to change, as it was named; an option, where the command line is the place.
        line: Its line, from 1.
        column: Its column, from 1.
        path: The key, such as `guest[0].ram`, or the attribute; empty where there is none.
        advice: What to do about it; empty where nobody knows.
        notes: Other places that take part.
    """

    code: str
    severity: str
    message: str
    file: str
    line: int
    column: int
    path: str
    advice: str
    notes: tuple[NoteFinding, ...]


class Findings(NamedTuple):
    """All that is wrong: what `check` finds, and `build`, `run` and `verify` by the way.

    Attributes:
        format: `sdfgen check`.
        version: Of this form, 1.
        errors: How many faults are errors; the status is 1 when there are any.
        assumed: What was taken for granted because nobody said it, of system files, in words.
        faults: The faults, by file, line and column.
    """

    format: str
    version: int
    errors: int
    assumed: tuple[str, ...]
    faults: tuple[FaultFinding, ...]


def as_json(faults: Sequence[Fault], assumed: Sequence[str] = ()) -> str:
    """Render faults as JSON.

    Args:
        faults: The faults.
        assumed: What was taken for granted, in words.
    """
    import json

    errors = sum(fault.severity == "error" for fault in faults)
    found = Findings(FORMAT, VERSION, errors, tuple(assumed), tuple(map(_fault, faults)))
    return json.dumps(plain(found), indent=2) + "\n"


def _fault(fault: Fault) -> FaultFinding:
    where, place = fault.where, fault.place
    return FaultFinding(
        code=fault.code,
        severity=fault.severity,
        message=fault.message,
        file=where.source.name,
        line=place.line,
        column=place.column,
        path=where.text,
        advice=fault.advice,
        notes=tuple(_note(*note) for note in fault.notes),
    )


def _note(where: Where, words: str) -> NoteFinding:
    return NoteFinding(words, where.source.name, where.span.line, where.span.column, where.text)
