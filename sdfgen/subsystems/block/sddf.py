"""sDDF 0.7's own way to tell a client of its disk: a structure in its program image, filled in when it is linked.

Layout and magic are those of struct blk_client_config in sDDF's include/sddf/blk/config.h, tag 0.7.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple
from sdfgen.subsystems.block.spec import disks, wants_sddf
from sdfgen.subsystems.roles import ElfValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.faults.source import Where
    from sdfgen.layout.native import Native
    from sdfgen.spec.microkit import ProtectionDomainTable
    from sdfgen.subsystems.block.connection import Connection
    from sdfgen.subsystems.block.model import Disk

VERSION: Final = "sDDF 0.7"
SECTION: Final = "[.blk_client_config]"
"""Symbols differ from client to client; the section does not."""
MAGIC_MEMBER: Final = ".magic"
MAGIC: Final = (*b"sDDF", 2)
_POINTER, _U64, _U16, _U8 = 8, 8, 2, 1


class Member(NamedTuple):
    """A member of the structure: where it is, its size, and of how many elements."""

    offset_bytes: int
    element_bytes: int
    elements: int = 1

    @property
    def size_bytes(self) -> int:
        """Its whole size."""
        return self.element_bytes * self.elements


MEMBERS: Final = {
    MAGIC_MEMBER: Member(0, 1, len(MAGIC)),
    ".virt.storage_info.vaddr": Member(8, _POINTER),
    ".virt.storage_info.size": Member(16, _U64),
    ".virt.req_queue.vaddr": Member(24, _POINTER),
    ".virt.req_queue.size": Member(32, _U64),
    ".virt.resp_queue.vaddr": Member(40, _POINTER),
    ".virt.resp_queue.size": Member(48, _U64),
    ".virt.num_buffers": Member(56, _U16),
    ".virt.id": Member(58, _U8),
    ".data.vaddr": Member(64, _POINTER),
    ".data.size": Member(72, _U64),
}
"""By the path from the variable."""


class SddfOrigin(NamedTuple):
    """What asks for the structure: one key of a protection domain's table."""

    table: ProtectionDomainTable

    def at(self, _name: str) -> Where:
        """Return the key's place."""
        return self.table.at("sddf")

    def given(self, name: str) -> bool:
        """Tell whether the author wrote a property of the structure; no one of them is his."""
        return name == "sddf"


def client_config(disk: Disk, link: Connection, table: ProtectionDomainTable) -> Iterator[ElfValue]:
    """Yield what goes into a client's structure.

    Args:
        disk: Its disk.
        link: The regions of that.
        table: The client's table.
    """
    origin, near = SddfOrigin(table), disk.near
    values: dict[str, tuple[int | tuple[int, ...], str]] = {MAGIC_MEMBER: (MAGIC, f"magic of {VERSION}'s block class")}
    regions = (
        (".virt.storage_info", near.storage_info, link.storage_info),
        (".virt.req_queue", near.requests, link.requests),
        (".virt.resp_queue", near.responses, link.responses),
        (".data", near.data, link.data),
    )
    for member, vaddr, region in regions:
        values[f"{member}.vaddr"] = vaddr, f"vaddr('{region.name}', '{disk.pd}')"
        values[f"{member}.size"] = region.size_bytes or 0, f"size('{region.name}')"
    values[".virt.num_buffers"] = disk.capacity, f"queue_capacity of disk `{disk.name}`"
    values[".virt.id"] = near.channel, f"channel of `{disk.pd}` to its virtualiser"
    for member, known in MEMBERS.items():
        value, why = values[member]
        yield ElfValue(table.program_image, SECTION + member, value, known.element_bytes, origin, why)


def clients_faults(natives: Iterable[Native], *, lost: bool) -> Iterator[Fault]:
    """Yield why clients cannot be told of their disk in sDDF's way, whatever their program images hold.

    Args:
        natives: The protection domains that are clients of anything.
        lost: There may be more disks: of some it was told that they cannot be read.
    """
    first: dict[str, ProtectionDomainTable] = {}
    for table in (native.table for native in natives if wants_sddf(native.table)):
        count, place = len(disks(table)), table.at("sddf")
        other = first.setdefault(table.program_image, table)
        if not count and not lost:
            message = f"`{table.name}` has `sddf = true` and no disk"
            yield Fault("SDF147", message, place, "add disk = [{ partition = 0 }], or leave `sddf` out")
        elif count > 1:
            message = f"`{table.name}` has {count} disks, and {VERSION} tells a client of one"
            advice = "give each disk a domain of its own, or leave `sddf` out and link the table `block_disks`"
            yield Fault("SDF147", message, place, advice, ((table.at("disk"), "the disks are here"),))
        elif other is not table:
            message = (
                f"`{other.name}` and `{table.name}` have one program image, {table.program_image!r}, "
                "and each needs its own disk in it"
            )
            notes = ((other.at("program_image"), "it is named here"), (table.at("program_image"), "and here"))
            yield Fault("SDF147", message, place, "copy it, and name the copy", notes)
