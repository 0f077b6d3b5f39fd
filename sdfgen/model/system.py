"""The system as every later phase sees it: frozen values without a trace of TOML, XML or C.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sdfgen.facts.board import Board
from sdfgen.facts.dialects import Dialect
from sdfgen.model.microkit import Channel, Domains, Origin, ProtectionDomain, Region, VirtualMachine
from sdfgen.subsystems.block.model import Block


class Patch(NamedTuple):
    """A value for a symbol of an ELF; the value is None while an address is still to be learned."""

    elf: str
    symbol: str
    value: int | None
    size_bytes: int
    origin: Origin
    why: str


class System(NamedTuple):
    """Everything that is emitted for one board.

    `images` gives the ELFs to patch that exist already: path beside the description, by name.
    `folder` is the description's: relative file names start there.
    """

    name: str
    board: Board
    dialect: Dialect
    config: str
    pds: tuple[ProtectionDomain, ...]
    regions: tuple[Region, ...]
    channels: tuple[Channel, ...]
    domains: Domains | None
    block: Block | None
    patches: tuple[Patch, ...]
    images: dict[str, str]
    folder: str
    origin: Origin

    def all_pds(self) -> Iterator[ProtectionDomain]:
        """Yield every protection domain, parents before their children."""
        waiting = list(reversed(self.pds))
        while waiting:
            pd = waiting.pop()
            yield pd
            waiting.extend(reversed(pd.children))

    def vms(self) -> Iterator[tuple[ProtectionDomain, VirtualMachine]]:
        """Yield every virtual machine with its VMM."""
        for pd in self.all_pds():
            if pd.vm is not None:
                yield pd, pd.vm

    def region_index(self) -> dict[str, Region]:
        """Return the regions by name; of two with one name, the first."""
        index: dict[str, Region] = {}
        for region in self.regions:
            index.setdefault(region.name, region)
        return index
