from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.schema.readers import Name, Number
from sdfgen.schema.table import One, Table, key
from sdfgen.spec.description import Extension
from sdfgen.spec.scheduled import ScheduledTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.spec.description import Need, Spec


class BellTable(ScheduledTable):
    """The bell."""

    name: str = key(Name(), "Name of its protection domain.", default="bell")


class RingTable(Table):
    """How a guest rings it."""

    pitch_hz: int = key(Number(), "Its pitch.", default=440)


def needs(spec: Spec) -> Iterator[Need]:
    if spec.of("bell") is not None:
        yield "the bell", spec.of("bell").where, ("kernel",)


EXTENSION = Extension(
    tables={"bell": key(One(BellTable), "The bell.", default=None)},
    client_keys={"ring": key(One(RingTable), "Rings the bell.", default=None)},
    board_tables={},
    moved={"bell.tone": "`pitch_hz` of `ring`"},
    codes={"SDF901": ("nobody has a bell", "A guest that rings needs one.")},
    needs=needs,
)
