"""What the block subsystem adds to descriptions: its own tables, `disk` of its clients, `[uio]` of board files."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sdfgen.facts.board_tables import INTID
from sdfgen.schema.readers import Address, Choice, Flag, Name, Number, Pages, Rate, Size, Text, Time
from sdfgen.schema.table import Many, One, OneOrMany, Table, key
from sdfgen.spec.description import Extension
from sdfgen.spec.scheduled import ScheduledTable
from sdfgen.subsystems.block.moved import MOVED
from sdfgen.subsystems.block.partition_name import PartitionName, PartitionNames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board
    from sdfgen.spec.description import Need, Spec

_MIB = 2**20
BLOCK_BYTES = 0x1000
"""sDDF: BLK_TRANSFER_SIZE, the unit of every request."""
MAX_WEIGHT = 16
SHARED_BYTES = 64 * BLOCK_BYTES
"""What a client may have with the driver for each unit of its weight (block_virt.h, BLOCK_VIRT_SHARED_BLOCKS)."""
SHARED_REQUESTS = 8
"""The same in requests (BLOCK_VIRT_SHARED_REQUESTS)."""
MAX_IOPS = 1_000_000


class VirtualiserTable(ScheduledTable):
    """The virtualiser: hands out partitions and turns offsets into io addresses."""

    name: str | None = key(
        Name(), "Name of its protection domain.", default=None, default_doc="`NAME_virt`, after the subsystem"
    )
    data_size: int = key(Size(), "Its own data region, for reading partition tables.", default=2 * _MIB)


class BlockTable(Table):
    """A block subsystem: a guest that drives a disk, a virtualiser, and 1 to 60 disks of its clients."""

    name: str = key(Name(), "Its name, which disks give when there are several.", default="block")
    driver: str = key(Name(), "The guest that drives the disk and serves the virtualiser through UIO.")
    storage: str = key(Text(), "Path of the disk inside that guest, such as `/dev/vda` or `/dev/mmcblk0`.")
    physical_addresses: str = key(
        Choice("assigned", "learned"),
        "`assigned`: sdfgen places the data regions and patches the addresses into the ELFs. "
        "`learned`: Microkit places them and writes the addresses through `setvar region_paddr`.",
        default="assigned",
    )
    phys_addr_page: str = key(
        Choice("run-time", "prefilled"),
        "Who fills the page that tells the driver VM the physical addresses: its VMM at run time, or the image "
        "itself (from Microkit 2.2.0, with assigned addresses).",
        default="run-time",
    )
    queue_capacity: int | None = key(
        Number(),
        "Requests that fit into the queues between virtualiser and driver.",
        default=None,
        default_doc="the sum of the disks', at most 32768",
    )
    timeout: int = key(
        Time(),
        "How long a request may take, whoever is silent, before its client gets an error: seconds, or with a unit such "
        'as "500 ms". 0: as long as it takes.',
        default=30_000,
        default_doc="30 s",
    )
    virtualiser: VirtualiserTable | None = key(
        One(VirtualiserTable), "The virtualiser.", default=None, default_doc="one with defaults"
    )


class DiskTable(Table):
    """A disk of the guest or protection domain around it: a partition, as a virtio-blk device or as queues."""

    block: str | None = key(
        Name(), "The block subsystem it is of; needed when there are several.", default=None, default_doc="the only one"
    )
    name: str | None = key(
        Name(), "Its name, the only one of its owner's disks.", default=None, default_doc="its index in the list"
    )
    partition: PartitionName = key(
        PartitionNames(),
        "Its partition on the disk: the index, counted from 0, or `PARTUUID=` or `PARTLABEL=` and what `blkid` says.",
    )
    data_size: int = key(
        Size(), "Its data region, a multiple of 4 KiB: what may be in flight at once.", default=2 * _MIB
    )
    queue_capacity: int = key(Number(), "Requests that fit into its queues.", default=1024)
    read_only: bool = key(Flag(), "Refuse writes.", default=False)
    weight: int = key(
        Number(1, MAX_WEIGHT),
        "Its share of the disk beside others that want more than there is: twice the weight, twice the blocks.",
        default=1,
    )
    bandwidth: int | None = key(
        Rate(BLOCK_BYTES),
        "The most that it may read and write, zero and discard.",
        default=None,
        default_doc="as much as there is",
    )
    iops: int | None = key(
        Number(1, MAX_IOPS),
        "The most requests that it may have served in a second.",
        default=None,
        default_doc="as many as there can be",
    )

    @property
    def limited(self) -> bool:
        """It may not have as much as there is."""
        return self.bandwidth is not None or self.iops is not None


class UioTable(Table):
    """Where a driver VM sees its UIO mappings."""

    irq_status: int = key(Address(), "The interrupt status page.")
    notify: int = key(Address(), "The notify page; the others follow.")
    stride: int = key(Pages(), "Alignment of each mapping.")
    intid: int = key(INTID, "Virtual interrupt of the first UIO device.")


CODES = {
    "SDF014": (
        "too many disks",
        (
            "A protection domain has 62 channel ids: of a virtualiser's, disks have 60, or 61 where `timeout` is 0 and "
            "no disk has a limit."
        ),
    ),
    "SDF107": (
        "a block subsystem has no driver",
        "A guest drives its disk through UIO, one subsystem each, where the board says that a guest sees the maps.",
    ),
    "SDF147": (
        "`sddf` is for one disk of one program",
        "sDDF 0.7 tells a client of its disk in a structure of its program image: one disk, and an image of its own.",
    ),
    "SDF108": (
        "a disk is of no block subsystem",
        "A disk is a partition of one; with several, `block` says of which.",
    ),
}


def blocks(spec: Spec) -> tuple[BlockTable, ...]:
    """Return the block subsystems of a description."""
    return cast("tuple[BlockTable, ...]", spec.of("block"))


def disks(table: Table) -> tuple[DiskTable, ...]:
    """Return the disks of a guest or protection domain."""
    return cast("tuple[DiskTable, ...]", table.of("disk"))


def wants_sddf(table: Table) -> bool:
    """Tell whether a protection domain's disk is told to it in sDDF's way; guests have no such key."""
    return bool(vars(table).get("sddf"))


def uio_facts(board: Board) -> UioTable:
    """Return where driver VMs of a board see their UIO mappings; `needs` has asked whether its file says so."""
    return cast("UioTable", board.facts.of("uio"))


def needs(spec: Spec) -> Iterator[Need]:
    """Yield what block subsystems and disks need of a board file."""
    for table in blocks(spec):
        tables = ("uio", "kernel", "window") if table.physical_addresses == "assigned" else ("uio",)
        yield f"block subsystem `{table.name}`", table.where, tables
    for guest in spec.guest:
        if disks(guest):
            yield f"a disk of guest `{guest.name}`", disks(guest)[0].where, ("emulated",)


EXTENSION = Extension(
    tables={"block": key(OneOrMany(BlockTable), "Block subsystems.", default=())},
    client_keys={"disk": key(Many(DiskTable), "Disks, in the order in which it finds them.", default=())},
    board_tables={"uio": key(One(UioTable), "UIO mappings of driver VMs.", default=None)},
    moved=MOVED,
    codes=CODES,
    needs=needs,
    domain_keys={
        "sddf": key(
            Flag(),
            "Tell it its disk in sDDF 0.7's way: its program image has a `blk_client_config` in section "
            "`.blk_client_config`, which is filled in.",
            default=False,
        )
    },
)
