"""Faults as text for people, and as JSON, SARIF or GitHub annotations for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sdfgen.faults import Fault
    from sdfgen.source import Where

TAB = "    "


def as_text(faults: Sequence[Fault]) -> str:
    """Render faults one after the other, each with its line and a caret, and a closing count."""
    return "\n".join([*map(_text, faults), _count(faults), ""]) if faults else ""


def _text(fault: Fault) -> str:
    span = fault.place
    head = f"{fault.where.source.name}:{span.line}:{span.column}: {fault.severity}[{fault.code}]: {fault.message}"
    lines = [head, *_excerpt(fault.where, span.line, span.column, span.width)]
    for where, words in fault.notes:
        place = where.span
        lines.append(f"  {where.source.name}:{place.line}:{place.column}: note: {words}")
        lines += _excerpt(where, place.line, place.column, place.width)
    if fault.advice:
        lines.append(f"  help: {fault.advice}")
    return "\n".join(lines) + "\n"


def _excerpt(where: Where, line: int, column: int, width: int) -> list[str]:
    text = where.source.line(line)
    if not text.strip():
        return []
    lead = text[: column - 1].replace("\t", TAB)
    shown = text.replace("\t", TAB)
    gutter = f"{line:5} | "
    return [f"{gutter}{shown}", f"{' ' * (len(gutter) - 2)}| {' ' * len(lead)}{'^' * width}"]


def _count(faults: Sequence[Fault]) -> str:
    errors = sum(fault.severity == "error" for fault in faults)
    warnings = len(faults) - errors
    parts = [_plural(errors, "error"), *([_plural(warnings, "warning")] if warnings else [])]
    return " and ".join(parts)


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def as_json(faults: Sequence[Fault]) -> str:
    """Render faults as a JSON list."""
    import json

    return json.dumps([_record(fault) for fault in faults], indent=2) + "\n"


def _record(fault: Fault) -> dict[str, Any]:
    return {
        "code": fault.code,
        "severity": fault.severity,
        "message": fault.message,
        **_place(fault.where, fault.place.line, fault.place.column),
        "advice": fault.advice,
        "notes": [
            {"message": words, **_place(where, where.span.line, where.span.column)} for where, words in fault.notes
        ],
    }


def _place(where: Where, line: int, column: int) -> dict[str, Any]:
    return {"file": where.source.name, "line": line, "column": column, "path": where.text}


def as_github(faults: Sequence[Fault]) -> str:
    """Render faults as GitHub workflow commands."""
    return "".join(
        f"::{fault.severity} file={fault.where.source.name},line={fault.place.line},col={fault.place.column},"
        f"title={fault.code}::{_escaped(fault.message)}\n"
        for fault in faults
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_sarif(faults: Sequence[Fault]) -> str:
    """Render faults as a SARIF 2.1.0 log."""
    import json

    from sdfgen import __version__

    driver = {"name": "sdfgen", "version": __version__, "rules": [{"id": code} for code in sorted({f.code for f in faults})]}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_sarif_result(fault) for fault in faults]}],
    }
    return json.dumps(log, indent=2) + "\n"


def _sarif_result(fault: Fault) -> dict[str, Any]:
    return {
        "ruleId": fault.code,
        "level": fault.severity,
        "message": {"text": fault.message},
        "locations": [_sarif_place(fault.where, fault.place.line, fault.place.column)],
        "relatedLocations": [
            {**_sarif_place(where, where.span.line, where.span.column), "message": {"text": words}}
            for where, words in fault.notes
        ],
    }


def _sarif_place(where: Where, line: int, column: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": where.source.name},
            "region": {"startLine": line, "startColumn": column},
        }
    }


FORMATS: dict[str, Callable[[Sequence[Fault]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
