"""From the command line and a system's disks to the partitions of a disk image."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import nearest, suggestion
from sdfgen.run.partition_table import ALIGNMENT_BYTES, DiskError, Partition, check_disk, mbr_entry
from sdfgen.run.status import UsageError
from sdfgen.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sdfgen.faults.source import Where
    from sdfgen.model.system import System, WantedPartition

DEFAULT_BYTES: Final = 64 * ALIGNMENT_BYTES
"""Size of a client's partition unless it is told, or its content is larger."""


def partitions(system: System, table: str, sizes: Iterable[str], fills: Iterable[str]) -> dict[str, list[Partition]]:
    """Return the partitions of each disk, by the disk's name.

    Args:
        system: The system.
        table: The kind of partition table.
        sizes: `SIZE` for all partitions, `CLIENT=SIZE` for one: `client1`, or `client1_0` when it has several disks.
        fills: `CLIENT=FILE`: what its partition begins with.

    Raises:
        UsageError: When they do not fit the system.
    """
    places = {one.name: one.origin.at("partition") for storage in system.storage for one in storage.partitions}
    size_of = dict(_size(text, places) for text in sizes)
    content_of = dict(_content(text, places) for text in fills)
    wanted = {
        storage.name: [
            Partition(
                entry,
                one.name,
                _wanted_bytes(size_of.get(one.name, size_of.get(None)), content_of.get(one.name)),
                content_of.get(one.name),
                one.uuid,
                one.label,
            )
            for one, entry in _entries(storage.partitions)
        ]
        for storage in system.storage
    }
    for found in wanted.values():
        try:
            check_disk(table, found)
        except DiskError as error:
            told = [places[name] for name in error.owners]
            notes = tuple((other, "and here") for other in told[1:])
            raise UsageError(str(error), told[0] if told else None, notes=notes) from error
    return wanted


def _entries(wanted: Sequence[WantedPartition]) -> list[tuple[WantedPartition, int]]:
    """Give each partition its entry: the one that it is named by, else the first that nobody has."""
    told = {one: entry for one in wanted if (entry := _told_entry(one)) is not None}
    free = (entry for entry in count() if entry not in told.values())
    return [(one, told[one] if one in told else next(free)) for one in wanted]


def _told_entry(wanted: WantedPartition) -> int | None:
    """Return the entry that a partition is named by, itself or in its identifier."""
    return wanted.entry if wanted.uuid is None else mbr_entry(wanted.uuid)


def _wanted_bytes(told: int | None, content: str | None) -> int:
    if told is not None:
        return told
    return max(DEFAULT_BYTES, os.path.getsize(content) if content else 0)


def _size(text: str, places: Mapping[str, Where]) -> tuple[str | None, int]:
    name, equals, size = text.rpartition("=")
    size_bytes = parse_size(size)
    if not size_bytes:
        raise UsageError(f"--disk-size {text}: {size!r} is not a size such as 64MiB")
    return (_client("--disk-size", text, name, places) if equals else None), size_bytes


def _content(text: str, places: Mapping[str, Where]) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not equals or not os.path.isfile(path):
        raise UsageError(f"--fill {text}: " + (f"there is no file {path!r}" if equals else "write CLIENT=FILE"))
    return _client("--fill", text, name, places), path


def _client(option: str, text: str, name: str, places: Mapping[str, Where]) -> str:
    if name not in places:
        message = f"{option} {text}: there is no client {name!r}{suggestion(name, places)}"
        near = nearest(name, places) or next(iter(places), None)
        advice = f"clients of disks are {', '.join(places)}" if places else "nobody here is a disk's client"
        raise UsageError(message, places[near] if near else None, advice)
    return name
