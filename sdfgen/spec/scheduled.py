"""Keys of the protection domains that sdfgen makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sdfgen.schema.readers import Flag, Name, Number, Size, Text
from sdfgen.schema.table import Table, key

if TYPE_CHECKING:
    from collections.abc import Mapping

CORE_DOC = "chosen by sdfgen in smp configurations"
WRITTEN_AS = {"cpu": "core"}
"""What Microkit calls `cpu` is a core here: a guest has CPUs of its own."""


class ScheduledTable(Table):
    """A protection domain that sdfgen makes: how it is scheduled, and its program image."""

    priority: int | None = key(Number(), "Its priority, 0 to 254.", default=None, default_doc="chosen by sdfgen")
    budget: int | None = key(Number(), "Budget in microseconds.", default=None, default_doc="the whole period")
    period: int | None = key(Number(), "Period in microseconds.", default=None, default_doc="the budget, or 10000")
    stack_size: int | None = key(Size(), "Its stack.", default=None, default_doc="chosen by sdfgen")
    program_image: str | None = key(
        Text(), "Its ELF, relative to the tool's search path.", default=None, default_doc="`NAME.elf`, made here"
    )
    core: int | None = key(Number(), "Core it runs on (from Microkit 2.1.0).", default=None, default_doc=CORE_DOC)
    domain: str | None = key(Name(), "Scheduling domain (from Microkit 2.3.0).", default=None)
    fpu: bool | None = key(
        Flag(),
        "May use the FPU (from Microkit 2.3.0); without it, guests' registers need not be exchanged for its own.",
        default=None,
        default_doc="false, where all code in it is made here",
    )
    written_as: ClassVar[Mapping[str, str]] = WRITTEN_AS
