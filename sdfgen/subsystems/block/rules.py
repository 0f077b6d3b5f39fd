"""The block subsystem: queues, data regions, partitions, and how the disk's addresses are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import SINCE
from sdfgen.rules.registry import fault, rule
from sdfgen.subsystems.block.shared import MAX_CAPACITY, VIRTUALISER_DATA, data_map_name
from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Client

BLOCK_BYTES = 0x1000
"""sDDF: BLK_TRANSFER_SIZE, the unit of every request."""
GPT_BLOCKS = 10
"""What sDDF's virtualiser reads a GUID partition table with: protective MBR, header, 128 entries, rounded up."""
MAX_PARTITION = 127
"""A GUID partition table has 128 entries."""
_STORAGE = re.compile(r"/dev(/(?!\.\.?(/|$))[A-Za-z0-9._:@+=,-]+)+")


def _clients(system: System) -> tuple[Client, ...]:
    return system.block.clients if system.block else ()


@rule("SDF070", "queue capacities are powers of two up to 32768")
def capacity(system: System) -> Iterator[Fault]:
    """Queue indices run freely through 32 bits and are taken modulo the capacity.

    At the wrap from 2^32 - 1 to 0 every other capacity than a power of two jumps to a wrong slot.
    """
    if system.block is None:
        return
    driver = system.block.driver
    queues = [(f"client `{c.name}`", c.capacity, c.origin) for c in _clients(system)]
    for owner, slots, origin in [*queues, ("the driver", driver.capacity, driver.origin)]:
        if not 1 <= slots <= MAX_CAPACITY or slots & (slots - 1):
            message = f"queue capacity {slots} of {owner} is not a power of two from 1 to {MAX_CAPACITY}"
            yield fault("SDF070", message, (origin, "queue_capacity"), f"{_nearest_power(slots)} is the nearest")


def _nearest_power(slots: int) -> int:
    if slots < 1:
        return 1
    below = min(MAX_CAPACITY, 1 << (slots.bit_length() - 1))
    return below if below == MAX_CAPACITY or slots - below < 2 * below - slots else 2 * below


@rule("SDF071", "the driver's queue holds the largest client's")
def driver_capacity(system: System) -> Iterator[Fault]:
    """A client may have as many requests in flight as its queue holds; a smaller driver queue makes that a lie."""
    if system.block is None or not system.block.clients:
        return
    driver = system.block.driver
    largest = max(system.block.clients, key=lambda c: c.capacity)
    if driver.capacity < largest.capacity <= MAX_CAPACITY:
        message = (
            f"the driver's queue holds {driver.capacity} requests, client `{largest.name}`'s alone {largest.capacity}"
        )
        note = (largest.origin, "queue_capacity", f"{largest.capacity} requests of `{largest.name}`")
        yield fault(
            "SDF071", message, (driver.origin, "queue_capacity"), "leave it out: the clients' sum is used", [note]
        )


def _data_regions(system: System) -> Iterator[tuple[str, int, Origin]]:
    yield from ((f"client `{c.name}`", c.data_bytes, c.origin) for c in _clients(system))
    if system.block:
        origin = next((pd.origin for pd in system.pds if pd.name == system.block.virt), system.block.origin)
        yield f"virtualiser `{system.block.virt}`", system.block.virt_data_bytes, origin


@rule("SDF072", "data regions are whole blocks of 4 KiB")
def data_size(system: System) -> Iterator[Fault]:
    """Requests move blocks of 4 KiB, and memory is shared in pages of 4 KiB: a part of one is of no use."""
    for owner, size, origin in _data_regions(system):
        if size < BLOCK_BYTES or size % BLOCK_BYTES:
            message = f"data size {size} of {owner} is not a multiple of {size_text(BLOCK_BYTES)} above 0"
            below = max(BLOCK_BYTES, size - size % BLOCK_BYTES)
            yield fault("SDF072", message, (origin, "data_size"), f'"{size_text(below)}" would do')


@rule("SDF073", "the virtualiser can read a GUID partition table")
def partition_table_fits(system: System) -> Iterator[Fault]:
    """The table is read into the virtualiser's data region; a smaller one serves disks with an MBR only."""
    if system.block is None:
        return
    *_, (owner, size, origin) = _data_regions(system)
    if BLOCK_BYTES <= size < GPT_BLOCKS * BLOCK_BYTES:
        message = f"data size {size_text(size)} of {owner} is too small to read a GUID partition table"
        yield fault(
            "SDF073",
            message,
            (origin, "data_size"),
            f'"{size_text(GPT_BLOCKS * BLOCK_BYTES)}" or more; below that only an MBR can be read',
            severity="warning",
        )


@rule("SDF074", "partitions are counted from 0 to 127")
def partition(system: System) -> Iterator[Fault]:
    """A GUID partition table has 128 entries, an MBR 4; the virtualiser would leave the client without a disk."""
    for client in _clients(system):
        if not 0 <= client.partition <= MAX_PARTITION:
            message = f"partition {client.partition} of client `{client.name}` is not from 0 to {MAX_PARTITION}"
            advice = "count from 0; a GUID partition table has 128 entries, an MBR 4"
            yield fault("SDF074", message, (client.origin, "partition"), advice)


@rule("SDF075", "a partition that is written has one client")
def partition_shared(system: System) -> Iterator[Fault]:
    """Two guests on one file system, one of them writing, destroy it: neither sees the other's cache."""
    owners: dict[int, Client] = {}
    for client in _clients(system):
        first = owners.setdefault(client.partition, client)
        if first is client or (first.read_only and client.read_only):
            continue
        message = (
            f"clients `{first.name}` and `{client.name}` share partition {client.partition}, and not both only read"
        )
        note = (first.origin, "partition", f"`{first.name}` has it too")
        yield fault(
            "SDF075", message, (client.origin, "partition"), "use another, or set read_only = true on both", [note]
        )


@rule("SDF076", "the block subsystem has a client")
def some_client(system: System) -> Iterator[Fault]:
    """A driver VM and a virtualiser without anybody to serve are a forgotten table, not a system."""
    if system.block is not None and not system.block.clients:
        yield fault(
            "SDF076", "the block subsystem has no client", (system.block.origin, "client"), "add a [[block.client]]"
        )


@rule("SDF082", "the disk is a path below /dev")
def storage(system: System) -> Iterator[Fault]:
    """The path goes into a start script of the driver VM, where spaces and quotes would mean something else."""
    if system.block is not None and not _STORAGE.fullmatch(system.block.driver.storage):
        driver = system.block.driver
        message = f"storage {driver.storage!r} is not a path below /dev of letters, digits and ._:@+=,-"
        yield fault("SDF082", message, (driver.origin, "storage"), 'for example "/dev/vda" or "/dev/mmcblk0p2"')


@rule("SDF084", "a prefilled phys-addr page needs Microkit 2.2.0 and assigned addresses")
def prefilled(system: System) -> Iterator[Fault]:
    """The page is a file of the image: older tools have no such files, and learned addresses come later."""
    block = system.block
    if block is None or not block.prefilled:
        return
    place, attribute = (block.origin, "phys_addr_page"), "memory_region.prefill_path"
    if attribute not in system.dialect.attributes:
        message = f"Microkit {system.dialect.version} cannot prefill a region; {SINCE[attribute]} and later can"
        note = (system.origin, "microkit", f"version {system.dialect.version}")
        yield fault("SDF084", message, place, 'leave it out, or set microkit = "2.2.0"', [note])
    if block.physical_addresses == "learned":
        note = (block.origin, "physical_addresses", "Microkit chooses them when it packs the image")
        message = "the phys-addr page cannot be prefilled with addresses that are learned later"
        yield fault("SDF084", message, place, 'leave it out, or use physical_addresses = "assigned"', [note])


@rule("SDF088", "clients differ in the C identifiers made of their names")
def identifiers(system: System) -> Iterator[Fault]:
    """Symbols such as io_base_NAME_data carry the addresses; `a-b` and `a_b` would be one symbol for two regions."""
    seen: dict[str, Client] = {}
    for client in _clients(system):
        identifier = data_map_name(client.name)
        first = seen.setdefault(identifier, client)
        if identifier == VIRTUALISER_DATA:
            message = f"the name of client `{client.name}` gives `{identifier}`, which is the virtualiser's data region"
            yield fault("SDF088", message, (client.origin, "name"), "rename the client")
        elif first.name != client.name:
            message = f"the names of clients `{first.name}` and `{client.name}` give one C identifier, `{identifier}`"
            note = (first.origin, "name", "the other one")
            yield fault("SDF088", message, (client.origin, "name"), "rename one of them", [note])
