"""The block subsystem: queues, data regions, partitions, and how the disk's addresses are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import SINCE
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.subsystems.block.connection import data_map_name
from sdfgen.subsystems.block.model import MAX_CAPACITY, VIRTUALISER_DATA, blocks_of
from sdfgen.subsystems.block.partition_name_rules import wrong
from sdfgen.subsystems.block.spec import BLOCK_BYTES, MAX_WEIGHT, SHARED_BYTES, SHARED_REQUESTS
from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block, Disk
    from sdfgen.subsystems.block.partition_name import PartitionName

GPT_BLOCKS = 10
"""What sDDF's virtualiser reads a GUID partition table with: protective MBR, header, 128 entries, rounded up."""
_STORAGE = re.compile(r"/dev(/(?!\.\.?(/|$))[A-Za-z0-9._:@+=,-]+)+")


@rule("SDF070", "queue capacities are powers of two up to 32768", Stage.VALUES)
def capacity(system: System) -> Iterator[Fault]:
    """Queue indices run freely through 32 bits and are taken modulo the capacity.

    At the wrap from 2^32 - 1 to 0 every other capacity than a power of two jumps to a wrong slot.
    """
    for owner, slots, least, origin in _queues(system):
        if not least <= slots <= MAX_CAPACITY or slots & (slots - 1):
            message = f"queue capacity {slots} of {owner} is not a power of two from {least} to {MAX_CAPACITY}"
            nearest = max(least, _nearest_power(slots))
            yield fault("SDF070", message, (origin, "queue_capacity"), f"{nearest} is the nearest")


def _queues(system: System) -> Iterator[tuple[str, int, int, Origin]]:
    """Yield each with its least capacity: a guest's disk may get two answers to a request that took too long."""
    for block in blocks_of(system):
        yield from ((_disk(disk), disk.capacity, 2 if disk.resilient else 1, disk.origin) for disk in block.disks)
        yield f"the driver of `{block.name}`", block.driver.capacity, 1, block.origin


def _disk(disk: Disk) -> str:
    return f"disk `{disk.name}` of `{disk.owner}`"


def _nearest_power(slots: int) -> int:
    if slots < 1:
        return 1
    below = min(MAX_CAPACITY, 1 << (slots.bit_length() - 1))
    return below if below == MAX_CAPACITY or slots - below < 2 * below - slots else 2 * below


@rule("SDF071", "the driver's queue holds the largest disk's")
def driver_capacity(system: System) -> Iterator[Fault]:
    """A client may have as many requests in flight as its queue holds; a smaller driver queue makes that a lie."""
    for block in blocks_of(system):
        largest = max(block.disks, key=lambda disk: disk.capacity, default=None)
        slots = block.driver.capacity
        if largest is not None and slots < largest.capacity <= MAX_CAPACITY:
            message = (
                f"the queue of `{block.name}`'s driver holds {slots} requests, "
                f"that of {_disk(largest)} alone {largest.capacity}"
            )
            note = (largest.origin, "queue_capacity", f"{largest.capacity} requests of {_disk(largest)}")
            advice = "leave it out: the disks' sum is used"
            yield fault("SDF071", message, (block.origin, "queue_capacity"), advice, [note])


def _data_regions(system: System) -> Iterator[tuple[str, int, Origin]]:
    for block in blocks_of(system):
        yield from ((_disk(disk), disk.data_bytes, disk.origin) for disk in block.disks)
        yield _virtualiser(block), block.virt_data_bytes, block.virt_origin


def _virtualiser(block: Block) -> str:
    return f"virtualiser `{block.virt}`"


@rule("SDF072", "data regions are whole blocks of 4 KiB", Stage.VALUES)
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
    for block in blocks_of(system):
        size = block.virt_data_bytes
        if BLOCK_BYTES <= size < GPT_BLOCKS * BLOCK_BYTES:
            message = (
                f"data size {size_text(size)} of {_virtualiser(block)} is too small to read a GUID partition table"
            )
            advice = f'"{size_text(GPT_BLOCKS * BLOCK_BYTES)}" or more; below that only an MBR can be read'
            yield fault("SDF073", message, (block.virt_origin, "data_size"), advice, severity="warning")


@rule("SDF180", "a disk's data region and queue carry its weight")
def weight_carried(system: System) -> Iterator[Fault]:
    """What a client may have with the driver grows with its weight, as far as its data region and queue hold it.

    For each unit: SHARED_BYTES, and SHARED_REQUESTS slots, twice as many where each request may get two answers
    (block_virt.h). A weight of 1 is everybody's, and any region will do.
    """
    for disk in _disks(system):
        slots = SHARED_REQUESTS * (2 if disk.resilient else 1)
        if 1 < disk.weight <= MAX_WEIGHT:
            yield from _carried(disk, "data_size", disk.data_bytes, SHARED_BYTES, size_text)
            yield from _carried(disk, "queue_capacity", disk.capacity, slots, str)


def _carried(disk: Disk, key: str, has: int, each: int, text: Callable[[int], str]) -> Iterator[Fault]:
    needed = disk.weight * each
    if has < needed:
        message = (
            f"weight {disk.weight} of {_disk(disk)} needs a `{key}` of {text(needed)}; "
            f"with {text(has)} it has the share of weight {max(1, has // each)} at most"
        )
        note = (disk.origin, key, f"`{key}` is {text(has)}")
        yield fault(
            "SDF180", message, (disk.origin, "weight"), f"set {key} = {_literal(text(needed))}", [note], "warning"
        )


def _literal(text: str) -> str:
    return text if text.isdecimal() else f'"{text}"'


@rule("SDF179", "a driver's guest can be started again")
def driver_starts_again(system: System) -> Iterator[Fault]:
    """Its device may write to memory until somebody stops it: until then nobody may use that memory anew."""
    for block in blocks_of(system):
        guest = system.guest(block.driver.guest)
        if guest.restarts:
            continue
        facts = [system.board.devices[name] for name in guest.devices]
        names = ", ".join(f"`{device.name}`" for device in facts if device.facts.dma and not device.facts.reset)
        message = (
            f"guest `{guest.name}` stays down after a panic or a reset, and clients of `{block.name}` get errors: "
            f"nobody knows how to stop {names}"
        )
        advice = "add `reset` to these devices in the board file, where they have such a register"
        yield fault("SDF179", message, (guest.origin, "devices"), advice, severity="note")


def _disks(system: System) -> Iterator[Disk]:
    return (disk for block in blocks_of(system) for disk in block.disks)


@rule("SDF074", "a partition's name is one that a partition table can hold", Stage.VALUES)
def partition(system: System) -> Iterator[Fault]:
    """By its index from 0 to 127, by PARTUUID, or by PARTLABEL; else the virtualiser leaves the client without a disk.

    A GUID partition table has 128 entries with a GUID and a label of 36 characters each, an MBR 4, which are told apart
    by the disk's signature and their number.
    """
    for disk in _disks(system):
        found = wrong(disk.partition)
        if found is not None:
            message, advice = found
            yield fault(
                "SDF074",
                f"partition {disk.partition.text} of {_disk(disk)} {message}",
                (disk.origin, "partition"),
                advice,
            )


@rule("SDF075", "a partition that is written has one owner")
def partition_shared(system: System) -> Iterator[Fault]:
    """Two guests on one file system, one of them writing, destroy it: neither sees the other's cache."""
    for block in blocks_of(system):
        owners: dict[PartitionName, Disk] = {}
        for disk in block.disks:
            first = owners.setdefault(disk.partition, disk)
            if first is disk or (first.read_only and disk.read_only):
                continue
            name = disk.partition.text
            message = f"{_disk(first)} and {_disk(disk)} share partition {name}, and not both are read-only"
            note = (first.origin, "partition", f"{_disk(first)} has it too")
            advice = "use another, or set read_only = true on both"
            yield fault("SDF075", message, (disk.origin, "partition"), advice, [note])


@rule("SDF076", "a block subsystem has a disk")
def some_disk(system: System) -> Iterator[Fault]:
    """A driver VM and a virtualiser without anybody to serve are a forgotten table, not a system."""
    for block in blocks_of(system):
        if not block.disks and not block.lost_disks:
            message = f"nobody has a disk of block subsystem `{block.name}`"
            yield fault("SDF076", message, (block.origin, "name"), "add disk = [{ partition = 0 }] to a [[guest]]")


@rule("SDF082", "the disk is a path below /dev")
def storage(system: System) -> Iterator[Fault]:
    """The path goes into a start script of the driver VM, where spaces and quotes would mean something else."""
    for block in blocks_of(system):
        path = block.driver.storage
        if not _STORAGE.fullmatch(path):
            message = f"storage {path!r} is not a path below /dev of letters, digits and ._:@+=,-"
            yield fault("SDF082", message, (block.origin, "storage"), 'for example "/dev/vda" or "/dev/mmcblk0p2"')


@rule("SDF084", "a prefilled phys-addr page needs Microkit 2.2.0 and assigned addresses")
def prefilled(system: System) -> Iterator[Fault]:
    """The page is a file of the image: older tools have no such files, and learned addresses come later."""
    for block in blocks_of(system):
        if block.prefilled:
            yield from _prefilled(system, block)


def _prefilled(system: System, block: Block) -> Iterator[Fault]:
    place, attribute = (block.origin, "phys_addr_page"), "memory_region.prefill_path"
    if attribute not in system.dialect.attributes:
        message = f"Microkit {system.dialect.version} cannot prefill a region; {SINCE[attribute]} and later can"
        note = (system.origin, "microkit", f"version {system.dialect.version}")
        yield fault("SDF084", message, place, f'leave it out, or set microkit = "{SINCE[attribute]}"', [note])
    if block.learned:
        note = (block.origin, "physical_addresses", "Microkit chooses them when it packs the image")
        message = "the phys-addr page cannot be prefilled with addresses that are learned later"
        yield fault("SDF084", message, place, 'leave it out, or use physical_addresses = "assigned"', [note])


@rule("SDF088", "disks differ in the C identifiers made of their names", Stage.NAMES, twice=True)
def identifiers(system: System) -> Iterator[Fault]:
    """Symbols such as io_base_NAME_data carry the addresses; `a-b` and `a_b` would be one symbol for two regions."""
    seen: dict[str, Disk] = {}
    for disk in _disks(system):
        identifier = data_map_name(disk.label)
        first = seen.setdefault(identifier, disk)
        if identifier == VIRTUALISER_DATA:
            message = f"the name of {_disk(disk)} gives `{identifier}`, which is the virtualiser's data region"
            yield fault("SDF088", message, (disk.origin, "name"), "rename the disk")
        elif first is not disk:
            message = f"the names of {_disk(first)} and {_disk(disk)} give one C identifier, `{identifier}`"
            note = (first.origin, "name", "the other one is here")
            yield fault("SDF088", message, (disk.origin, "name"), "rename one of them", [note])


@rule("SDF130", "driver VMs do not wait for each other")
def driver_cycle(system: System) -> Iterator[Fault]:
    """A guest starts when its disks are there: of drivers that have disks of each other's, none would ever start."""
    driven = {block.driver.guest: block for block in blocks_of(system)}
    waits = {guest: _waits_for(system, guest) for guest in driven}
    for guest, block in driven.items():
        path = _way_back(guest, waits)
        if path and guest == min(path):
            around = ", which waits for ".join(f"`{name}`" for name in (*path[1:], guest))
            message = f"driver VM `{guest}` waits for {around}: none of them starts"
            advice = "let one of them do without its disk"
            if len(path) == 1:
                message = f"driver VM `{guest}` waits for a disk that it drives itself: it never starts"
                advice = "give the disk to another guest"
            disks = [waits[owner][other] for owner, other in zip(path, (*path[1:], guest), strict=True)]
            notes = [(disk.origin, "", f"{_disk(disk)} is here") for disk in disks]
            yield fault("SDF130", message, (block.origin, "driver"), advice, notes)


@rule("SDF139", "the root that a guest is told is a disk that it has")
def root_disk(system: System) -> Iterator[Fault]:
    """Linux waits for its root for ever, or stops; an initial RAM disk may do without it.

    Linux calls virtio disks /dev/vda, /dev/vdb and so on, in the order in which it finds them. A guest with devices may
    find one there.
    """
    for guest in system.guests:
        found = re.search(_ROOT, guest.bootargs) if "root=" in guest.bootargs else None
        disks = sum(disk.owner == guest.name for disk in _disks(system))
        if found is None or guest.devices or _number(found[1]) < disks:
            continue
        has = f"has {disks} disk{'s' * (disks != 1)}, /dev/vda{f' to /dev/vd{_letters(disks - 1)}' * (disks > 1)}"
        message = f"`{found[0].strip()}` in bootargs: guest `{guest.name}` {has if disks else 'has no disk'}"
        severity = "warning" if guest.initrd else "error"
        yield fault("SDF139", message, (guest.origin, "bootargs"), "name one of its disks", severity=severity)


_ROOT = r"(?:^|(?<=\s))root=/dev/vd([a-z]{1,2})\d*(?=\s|$)"


def _number(letters: str) -> int:
    """Return which disk is called /dev/vd with these letters: a is 0, z 25, aa 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1


def _letters(number: int) -> str:
    high, low = divmod(number, 26)
    return (chr(ord("a") + high - 1) if high else "") + chr(ord("a") + low)


def _waits_for(system: System, guest: str) -> dict[str, Disk]:
    """Return the guests that drive the disks of a guest, each with one of the disks."""
    disks = [(block.driver.guest, disk) for block in blocks_of(system) for disk in block.disks]
    return {driver: disk for driver, disk in reversed(disks) if disk.owner == guest and disk.registers}


def _way_back(guest: str, waits: dict[str, dict[str, Disk]]) -> list[str]:
    """Return who is waited for, one after the other, from a guest back to it; nothing when there is no such way."""
    ways = [[guest]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for other in waits.get(way[-1], {}):
            if other == guest:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


@rule("SDF149", "an sDDF client's program image has sDDF 0.7's structure", Stage.VALUES)
def sddf_structure(system: System) -> Iterator[Fault]:
    """Section, members, their offsets and sizes are read from the image and its debug information.

    Another version of sDDF has another layout: what was filled in for this one would be read as something else.
    """
    if any(disk.sddf for disk in _disks(system)):
        from sdfgen.subsystems.block.sddf_rules import structures

        yield from structures(system)
