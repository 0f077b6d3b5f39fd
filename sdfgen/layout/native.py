"""A protection domain of the author's that is a client of some subsystem, while it is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdfgen.layout.context import Context
    from sdfgen.model.microkit import Channel, Region, Setvar
    from sdfgen.spec.microkit import ProtectionDomainTable


class Native:
    """A native client in the making.

    Attributes:
        table: Its table.
        space: Its address space; what it maps by hand is taken.
        regions, channels, setvars: What it is given.
    """

    def __init__(self, context: Context, table: ProtectionDomainTable) -> None:
        self.table = table
        self.space = context.domain_space(table.name)
        self.regions: list[Region] = []
        self.channels: list[Channel] = []
        self.setvars: list[Setvar] = []

    @property
    def name(self) -> str:
        """Its name as a client."""
        return self.table.name

    @property
    def pd(self) -> str:
        """Its protection domain."""
        return self.table.name
