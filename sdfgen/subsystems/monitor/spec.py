"""What the monitor adds to descriptions: its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.schema.readers import Name, Number
from sdfgen.schema.table import One, key
from sdfgen.spec.description import Extension
from sdfgen.spec.scheduled import ScheduledTable
from sdfgen.units import U32_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.spec.description import Need, Spec


class MonitorTable(ScheduledTable):
    """Reads what VMMs and services count, and says it on the debug console; `run --stats` reads it as well."""

    name: str = key(Name(), "Name of its protection domain.", default="system_monitor")
    interval: int = key(
        Number(0, U32_MAX),
        "All counters are said at each so many-th look, and it looks once a period; 0 for never. What goes wrong is "
        "said at the next look.",
        default=10,
    )


def needs(spec: Spec) -> Iterator[Need]:
    """Yield what the monitor needs of a board file: its pages have known physical addresses."""
    if spec.of("monitor") is not None:
        yield "the monitor", spec.of("monitor").where, ("kernel", "window")


EXTENSION = Extension(
    tables={"monitor": key(One(MonitorTable), "Says what goes on.", default=None)},
    client_keys={},
    board_tables={},
    moved={},
    codes={},
    needs=needs,
    watches=lambda spec: spec.of("monitor") is not None,
)
