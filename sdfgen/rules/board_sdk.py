"""Boards: the board file and the Microkit SDK's kernel say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.dialects import MAX_DOMAINS, MAX_SCHEDULE_ENTRIES
from sdfgen.facts.sdk import KERNEL_ELF, LOADER_ELF
from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple
from sdfgen.rules.dialect import SMC_BY_DEFAULT_SINCE, knows
from sdfgen.units import joined, ranges_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.facts.board import Board
    from sdfgen.facts.sdk import Range, Sdk
    from sdfgen.faults.source import Where
    from sdfgen.model.system import System

DIFFERS = "SDF127"
CANNOT = "SDF128"
_ADVICE = "correct the board file, or name the SDK that the board is run with"


class _Pair(NamedTuple):
    """A number that the board file and the SDK both have."""

    what: str
    ours: int
    where: Where
    theirs: int | None
    there: Where

    def text(self, value: int) -> str:
        """Return a value as a person writes it."""
        return hex(value) if "address" in self.what and "bits" not in self.what else str(value)


def differences(board: Board, sdk: Sdk) -> Iterator[Fault]:
    """Yield where a board file and an SDK contradict each other.

    Args:
        board: The board.
        sdk: The SDK's facts about it.
    """
    filled = {fact.key for fact in board.filled}
    yield from (_differs(pair) for pair in _pairs(board, sdk, filled) if pair.theirs not in {None, pair.ours})
    if "ram" not in filled and sdk.memory:
        yield from _ram(board, sdk)
    if "reserved" not in filled:
        yield from _kept(board, sdk)
    if "kernel" not in filled:
        yield from _kernel_end(board, sdk)
    yield from _distributor(board, sdk)
    yield from _timer(board, sdk)
    yield from _counter(board, sdk)


def _pairs(board: Board, sdk: Sdk, filled: set[str]) -> Iterator[_Pair]:
    facts, table = board.facts, board.facts.board
    bits, smp = table.physical_address_bits, sdk.of_config("MAX_NUM_NODES")._replace(source=sdk.cores_file)
    size = next((name for name in sdk.options if name == f"ARM_PA_SIZE_BITS_{sdk.address_bits}"), "")
    if "board.physical_address_bits" not in filled:
        at = table.at("physical_address_bits")
        yield _Pair("bits of physical addresses", bits, at, sdk.address_bits, sdk.of_config(size))
    if "board.cores" not in filled:
        yield _Pair("cores", table.cores, table.at("cores"), sdk.cores, smp)
    if facts.gic is not None:
        there = sdk.of_config("ARM_GIC_V3_SUPPORT")
        yield _Pair("GIC version", facts.gic.version, facts.gic.at("version"), sdk.gic_version, there)
    if table.loader_address is not None:
        at = table.at("loader_address")
        yield _Pair("load address", table.loader_address, at, sdk.loader_address, sdk.of_file(LOADER_ELF))
    if facts.kernel is not None and sdk.kernel is not None and "kernel" not in filled:
        at = facts.kernel.at("base")
        yield _Pair("kernel's address", facts.kernel.base, at, sdk.kernel.start, sdk.of_file(KERNEL_ELF))


def _differs(pair: _Pair) -> Fault:
    theirs = pair.text(pair.theirs or 0)
    message = f"{pair.what}: {pair.text(pair.ours)} in the board file, {theirs} in the SDK"
    return Fault(DIFFERS, message, pair.where, _ADVICE, ((pair.there, f"the SDK has {theirs}"),))


def _ram(board: Board, sdk: Sdk) -> Iterator[Fault]:
    ours = joined((r.base, r.base + r.size) for r in board.facts.ram)
    theirs = joined(sdk.memory)
    if ours == theirs:
        return
    table = next((r for r in board.facts.ram if (r.base, r.base + r.size) not in theirs), board.facts.ram[0])
    index = next((i for i, part in enumerate(sdk.memory) if tuple(part) not in ours), 0)
    message = f"RAM: {ranges_text(ours)} in the board file, {ranges_text(theirs)} in the kernel of the SDK"
    note = (sdk.of_platform("memory", index), "RAM that the SDK's kernel hands out")
    yield Fault(DIFFERS, message, table.at("base"), _ADVICE, (note,))


def _kept(board: Board, sdk: Sdk) -> Iterator[Fault]:
    """Yield what the kernel keeps for itself and the board file would hand out."""
    covered = joined((r.base, r.base + r.size) for r in board.facts.reserved)
    ours = joined((r.base, r.base + r.size) for r in board.facts.ram)
    for part in sdk.kept():
        if any(part.start < end and start < part.end for start, end in ours):
            continue  # the RAM differs, which is told
        if not any(start <= part.start and part.end <= end for start, end in covered):
            message = f"the SDK's kernel keeps {ranges_text([part])}, which the board file does not reserve"
            note = (sdk.of_platform("devices"), "what it hands out, without that")
            advice = "add a [[reserved]] with that base and size"
            where = board.facts.reserved[0].where if board.facts.reserved else board.facts.where
            yield Fault(DIFFERS, message, where, advice, (note,))


def _kernel_end(board: Board, sdk: Sdk) -> Iterator[Fault]:
    table, theirs = board.facts.kernel, sdk.kernel
    if table is None or theirs is None or table.base != theirs.start:
        return
    end = table.base + table.reserve
    if end < theirs.end:
        message = f"`reserve` ends at {end:#x}, the SDK's kernel at {theirs.end:#x}"
        note = (sdk.of_file(KERNEL_ELF), "that kernel")
        yield Fault(DIFFERS, message, table.at("reserve"), "reserve more: the images lie behind the kernel", (note,))


def _distributor(board: Board, sdk: Sdk) -> Iterator[Fault]:
    gic = board.facts.gic
    index = _holding(sdk.devices, gic.distributor) if gic is not None else None
    if gic is not None and index is not None:
        message = (
            f"interrupt distributor at {gic.distributor:#x}: the SDK's kernel hands that out, its own is elsewhere"
        )
        note = (sdk.of_platform("devices", index), "handed out")
        yield Fault(DIFFERS, message, gic.at("distributor"), _ADVICE, (note,))


def _holding(ranges: Iterable[Range], address: int) -> int | None:
    return next((i for i, part in enumerate(ranges) if part.start <= address < part.end), None)


def _timer(board: Board, sdk: Sdk) -> Iterator[Fault]:
    """Yield a timer that the kernel keeps; one that it would let guests' domains use is worth a warning."""
    table, exported = board.facts.timer, sdk.option("EXPORT_PTMR_USER")
    note = (sdk.of_config("EXPORT_PTMR_USER"), "the kernel's configuration")
    if table is not None and exported is False:
        message = "the board file has a timer for domains, which the SDK's kernel does not let them use"
        advice = "leave [timer] out, or build an SDK with KernelArmExportPTMRUser"
        yield Fault(DIFFERS, message, table.where, advice, (note,))
    elif table is None and exported and board.facts.guest is not None:
        message = "the SDK's kernel lets domains use the physical timer; the board file has no [timer]"
        advice = "add [timer]: without it guests that wait are woken up to 1 ms late"
        yield Fault(DIFFERS, message, board.facts.guest.where, advice, (note,), "warning")


def _counter(board: Board, sdk: Sdk) -> Iterator[Fault]:
    """Yield that domains can't read the time: what wakes guests and what gives up on drivers does, timer or not."""
    guest = board.facts.guest
    if guest is not None and sdk.option("EXPORT_PCNT_USER") is False:
        message = "the board file is for guests, whose domains read the counter; the SDK's kernel does not let them"
        note = (sdk.of_config("EXPORT_PCNT_USER"), "the kernel's configuration")
        advice = "build an SDK with KernelArmExportPCNTUser, or leave out what is for guests"
        yield Fault(DIFFERS, message, guest.where, advice, (note,))


def cannot(system: System, sdk: Sdk) -> Iterator[Fault]:
    """Yield what a system asks of a kernel that was built without it.

    Args:
        system: The system.
        sdk: The SDK's facts about its board and configuration.
    """
    for _, vm in system.vms() if sdk.option("ARM_HYPERVISOR_SUPPORT") is False else ():
        note = (sdk.of_config("ARM_HYPERVISOR_SUPPORT"), "the kernel's configuration")
        message = f"the SDK's kernel for `{system.board.name}` runs no virtual machines, such as `{vm.name}`"
        yield Fault(CANNOT, message, vm.origin.at("name"), "use a board whose kernel runs at EL2", (note,))
    told = not system.dialect.at_least(SMC_BY_DEFAULT_SINCE)  # by SDF064
    for pd in system.all_pds() if not told and sdk.option("ALLOW_SMC_CALLS") is False else ():
        if pd.smc:
            note = (sdk.of_config("ALLOW_SMC_CALLS"), "the kernel's configuration")
            message = f"`smc` of `{pd.name}`: the SDK's kernel is built without it"
            yield Fault(CANNOT, message, pd.origin.at("smc"), "build an SDK with KernelAllowSMCCalls", (note,))
    yield from _domains(system, sdk)


def _domains(system: System, sdk: Sdk) -> Iterator[Fault]:
    """Yield that a kernel of one's own has less room for domains than that of SDF065 and SDF068."""
    found = system.domains
    if found is None or not knows(system, "domains") or system.core_count > 1:
        return
    names, entries = len(found.names), len(found.schedule)
    wanted = (
        ("domains", "names", names, MAX_DOMAINS, "NUM_DOMAINS", 0),
        ("schedule entries", "schedule", entries, MAX_SCHEDULE_ENTRIES, "NUM_DOMAIN_SCHEDULES", 1),
    )
    for what, key, count, most, option, markers in wanted:
        room = sdk.number(option)
        if room is not None and room - markers < count <= most:
            note = (sdk.of_config(option), "the kernel's configuration")
            message = f"{count} {what}: the SDK's kernel has room for {room - markers}"
            advice = f"use fewer, or build an SDK with a larger {option}"
            yield Fault(CANNOT, message, found.origin.at(key), advice, (note,))
