"""Faults as SARIF 2.1.0, for those who collect what many tools find.

The form: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where

    Explain = Callable[[str], tuple[str, str]]

_GRAVEST_FIRST = ("error", "warning", "note")


def as_sarif(faults: Sequence[Fault], assumed: Sequence[str] = (), explain: Explain | None = None) -> str:
    """Render faults as a SARIF log.

    Args:
        faults: The faults.
        assumed: What was taken for granted, in words.
        explain: Returns title and text of a code; None leaves the rules without.
    """
    import json

    from sdfgen import __version__

    codes = sorted({fault.code for fault in faults})
    driver = {"name": "sdfgen", "version": __version__, "rules": [_rule(code, faults, explain) for code in codes]}
    invocation = {
        "executionSuccessful": True,
        "toolExecutionNotifications": [{"level": "note", "message": {"text": words}} for words in assumed],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": [_result(fault, codes.index(fault.code)) for fault in faults],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _rule(code: str, faults: Sequence[Fault], explain: Explain | None) -> dict[str, Any]:
    """Return a rule, whose level is that of the gravest fault: most judge by the version, or by what is known."""
    found = {fault.severity for fault in faults if fault.code == code}
    level = next(severity for severity in _GRAVEST_FIRST if severity in found)
    rule = {"id": code, "defaultConfiguration": {"level": level}}
    if explain is None:
        return rule
    title, text = explain(code)
    more = f"`sdfgen explain {code}` says the same."
    return rule | {
        "shortDescription": {"text": title},
        "fullDescription": {"text": text},
        "help": {"text": f"{title}\n\n{text}\n\n{more}", "markdown": f"**{title}**\n\n{text}\n\n{more}"},
    }


def _result(fault: Fault, index: int) -> dict[str, Any]:
    advice = f"\n{fault.advice}" if fault.advice else ""
    return {
        "ruleId": fault.code,
        "ruleIndex": index,
        "level": fault.severity,
        "message": {"text": f"{fault.message}{advice}"},
        "locations": [_place(fault.where, fault.place.line, fault.place.column)],
        "relatedLocations": [
            {**_place(where, where.span.line, where.span.column), "message": {"text": words}}
            for where, words in fault.notes
        ],
    }


def _place(where: Where, line: int, column: int) -> dict[str, Any]:
    from urllib.parse import quote

    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(where.source.name, errors="surrogateescape")},
            "region": {"startLine": line, "startColumn": column},
        }
    }
