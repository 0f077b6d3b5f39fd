"""The JSON forms that commands write, by command."""

from __future__ import annotations

from sdfgen.views.answers import WhyView
from sdfgen.views.changes import DiffView
from sdfgen.views.document import SystemView

FORMS: dict[str, type] = {"show": SystemView, "why": WhyView, "diff": DiffView}
