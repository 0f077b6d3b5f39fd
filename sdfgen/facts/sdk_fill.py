"""Fills what a board file leaves out with what a Microkit SDK knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sdfgen.facts.board_tables import KernelTable, RangeTable
from sdfgen.facts.sdk import GEN_CONFIG, KERNEL_ELF, PLATFORM_GEN
from sdfgen.records import NamedTuple
from sdfgen.schema.table import REQUIRED
from sdfgen.units import LARGE_PAGE_BYTES, range_text, ranges_text, round_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.facts.board_tables import BoardFile
    from sdfgen.facts.sdk import Range, Sdk
    from sdfgen.faults.source import Where
    from sdfgen.schema.table import Table

    AnyTable = TypeVar("AnyTable", bound=Table)

KEPT = "what the kernel keeps"


class Filled(NamedTuple):
    """A fact that the board file leaves out and the Microkit SDK has; `file` is the file in the SDK."""

    key: str
    value: str
    file: str


def reserve_bytes(kernel: Range) -> int:
    """Return how much from the kernel's start nothing else should take: its ELF, and 2 MiB for small images."""
    return round_up(kernel.end - kernel.start, LARGE_PAGE_BYTES) + LARGE_PAGE_BYTES


def fill(facts: BoardFile, sdk: Sdk) -> tuple[BoardFile, tuple[Filled, ...]]:
    """Return a board file with what it leaves out, and what that is.

    Args:
        facts: The board file.
        sdk: The facts of an SDK.
    """
    filled: list[Filled] = []
    platform, config = f"{sdk.name}/{PLATFORM_GEN}", f"{sdk.name}/{GEN_CONFIG}"
    changes: dict[str, Any] = {}
    if not facts.ram and sdk.memory:
        changes["ram"] = _tables(sdk, "memory", sdk.memory, "RAM")
        filled.append(Filled("ram", ranges_text(sdk.memory), platform))
    kept = sdk.kept()
    if not facts.given("reserved") and kept:
        changes["reserved"] = _tables(sdk, "devices", kept, KEPT)
        filled.append(Filled("reserved", ranges_text(kept), platform))
    if facts.kernel is None and sdk.kernel is not None:
        size = reserve_bytes(sdk.kernel)
        changes["kernel"] = made(KernelTable, facts.where, base=sdk.kernel.start, reserve=size)
        filled.append(Filled("kernel", range_text(sdk.kernel.start, size), f"{sdk.name}/{KERNEL_ELF}"))
    if facts.gic is not None and not facts.gic.version and sdk.gic_version:
        changes["gic"] = _changed(facts.gic, version=sdk.gic_version)
        filled.append(Filled("gic.version", str(sdk.gic_version), config))
    found = {"physical_address_bits": sdk.address_bits, "cores": sdk.cores or 1}
    wanted = {name: value for name, value in found.items() if value and not getattr(facts.board, name)}
    changes["board"] = _changed(facts.board, **wanted)
    files = {"cores": f"{sdk.cores_name}/{GEN_CONFIG}"}
    filled += [Filled(f"board.{name}", str(value), files.get(name, config)) for name, value in wanted.items()]
    return _changed(facts, **changes), tuple(filled)


def _tables(sdk: Sdk, key: str, ranges: Iterable[Range], name: str) -> tuple[RangeTable, ...]:
    return tuple(
        made(
            RangeTable,
            sdk.of_platform(key, index if key == "memory" else None),
            name=name,
            base=part.start,
            size=part.end - part.start,
        )
        for index, part in enumerate(ranges)
    )


def made(table: type[AnyTable], where: Where, **values: object) -> AnyTable:
    """Return a table that nobody wrote.

    Args:
        table: Its class.
        where: What stands for its place.
        values: Its keys; others have their defaults.
    """
    new = table.__new__(table)
    defaults = {name: key.default for name, key in table.keys.items() if key.default is not REQUIRED}
    vars(new).update(defaults | values, where=where, wheres={})
    return new


def _changed(table: AnyTable, **values: object) -> AnyTable:
    """Return a table with other values; its places stay."""
    new = type(table).__new__(type(table))
    vars(new).update(vars(table) | values)
    return new
