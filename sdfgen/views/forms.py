"""The JSON forms that commands write, by command."""

from __future__ import annotations

from sdfgen.faults import findings
from sdfgen.records import NamedTuple
from sdfgen.views.answers import WhyView
from sdfgen.views.changes import DiffView
from sdfgen.views.document import VERSION, SystemView


class Form(NamedTuple):
    """What a command writes: the type of it, and its version."""

    view: type
    version: int


FORMS: dict[str, Form] = {
    "check": Form(findings.Findings, findings.VERSION),
    "show": Form(SystemView, VERSION),
    "why": Form(WhyView, VERSION),
    "diff": Form(DiffView, VERSION),
}
