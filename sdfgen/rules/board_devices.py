"""Boards: devices, interrupt controller and what guests see hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.board_tables import FIRST_PPI_INTID, FIRST_SPI_INTID
from sdfgen.faults.fault import suggestion
from sdfgen.rules.board import Span, kernel, meeting, over, overlaps, ram, reserved, span, windows
from sdfgen.rules.registry import board_rule, fault
from sdfgen.schema.table import Table
from sdfgen.units import PAGE_BYTES, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.facts.board import Board
    from sdfgen.facts.board_tables import DeviceFacts, GicTable
    from sdfgen.faults.fault import Fault

TIMER_PPIS = (4, 5)
"""Secure, non-secure, virtual and hypervisor timer; on newer cores the hypervisor's virtual one too."""
NON_SECURE_TIMER = 1
"""Which of them is the EL1 physical timer that the kernel may let domains use."""
_V2_KEYS = ("cpu_interface", "cpu_interface_size", "vcpu_interface")
_V3_KEYS = ("redistributor", "redistributor_size")
_GIC_KEYS = {2: (_V2_KEYS, _V3_KEYS), 3: (_V3_KEYS, _V2_KEYS)}
"""By version: keys that must be there, and keys that must not."""
_DISTRIBUTOR_BYTES = {2: 0x1000, 3: 0x1_0000}
_REDISTRIBUTOR_BYTES = 0x2_0000


def _rows(board: Board) -> Iterator[Span]:
    """Yield the registers of each device, and of each row of slots together."""
    for device in board.facts.device:
        yield from span(device, device.base, max(1, device.size), f"device `{device.name}`")
    for row in board.facts.slots:
        what = f"row of slots `{row.name}`"
        yield from span(row, row.base, max(1, row.step * row.count), what)


def _gic(board: Board) -> Iterator[Span]:
    """Yield what guests see of the interrupt controller, and the virtual CPU interface."""
    gic = board.facts.gic
    if gic is None:
        return
    yield from span(gic, gic.distributor, gic.distributor_size, "the interrupt distributor", "distributor")
    yield from span(gic, gic.cpu_interface, gic.cpu_interface_size, "the GIC's CPU interface", "cpu_interface")
    yield from span(gic, gic.redistributor, gic.redistributor_size, "the redistributors", "redistributor")


def _names(board: Board) -> Iterator[tuple[str, DeviceFacts]]:
    yield from ((device.name, device) for device in board.facts.device)
    yield from ((f"{row.name}{i}", row) for row in board.facts.slots for i in range(row.count))


@board_rule("SDF117", "devices have a name of their own")
def device_names(board: Board) -> Iterator[Fault]:
    """A description names devices; of two with one name only the later could be meant. Clocks are named alike."""
    yield from _named_twice("devices", _names(board))
    yield from _named_twice("clocks", ((clock.name, clock) for clock in board.facts.clock))


def _named_twice(what: str, named: Iterable[tuple[str, Table]]) -> Iterator[Fault]:
    """Yield each later table that shares a name, once: a row of slots has many."""
    first: dict[str, Table] = {}
    told: set[int] = set()
    for name, table in named:
        known = first.setdefault(name, table)
        if known is not table and id(table) not in told:
            told.add(id(table))
            note = (known, "name", "the first is here")
            yield fault("SDF117", f"two {what} are named `{name}`", (table, "name"), "rename one", [note])


@board_rule("SDF118", "devices have registers of their own")
def devices_apart(board: Board) -> Iterator[Fault]:
    """Who is given one of two devices that lie over each other would drive both. One may be a bus around others."""
    for table, size, key in (
        *((d, d.size, "size") for d in board.facts.device),
        *((row, row.step, "step") for row in board.facts.slots),
    ):
        if size == 0:
            yield fault("SDF118", f"`{key}` of `{table.name}` is 0", (table, key), "give it the size of the registers")
    for one, other in overlaps(_rows(board)):
        part = one.inside(other) and one.start != other.start
        advice = "they can't be given to two guests: leave it so if one holds the other" if part else "check both"
        yield over("SDF118", one, other, advice, "warning" if part else "error")


@board_rule("SDF119", "devices lie apart from memory and from the interrupt controller")
def devices_elsewhere(board: Board) -> Iterator[Fault]:
    """Registers in RAM, or in what the kernel keeps, can't be handed out; guests find the GIC at its own addresses."""
    limit = board.address_limit
    for one in _rows(board):
        if one.end > limit:
            note = (board.facts.board, "physical_address_bits", "the addresses there are")
            message = f"{one.text()} reaches beyond {limit:#x}"
            yield fault("SDF119", message, (one.table, one.key), "check the address", [note])
    taken = [*ram(board), *kernel(board), *reserved(board), *windows(board), *_gic(board)]
    told: set[int] = set()
    for one, other in meeting(_rows(board), taken):
        if id(one.table) not in told:
            told.add(id(one.table))
            yield over("SDF119", one, other, "one of the two is somewhere else")


@board_rule("SDF120", "devices' interrupts are some that the kernel handles")
def device_interrupts(board: Board) -> Iterator[Fault]:
    """The kernel refuses a number beyond its last when the system starts."""
    last = board.facts.board.irq_max
    rows: list[tuple[DeviceFacts, int, str]] = [(d, 0, d.name) for d in board.facts.device]
    rows += [(row, row.count - 1, f"{row.name}{row.count - 1}") for row in board.facts.slots]
    for table, further, name in rows:
        intid = None if table.intid is None else table.intid + further
        if last is not None and intid is not None and intid > last:
            note = (board.facts.board, "irq_max", "the last one")
            message = f"interrupt {intid} of device `{name}` is above {last}, the kernel's last"
            yield fault("SDF120", message, (table, "intid"), "count as the GIC does: SPI number + 32", [note])


@board_rule("SDF121", "the interrupt controller is whole")
def gic_whole(board: Board) -> Iterator[Fault]:
    """A GICv2 has a CPU interface, mapped by guests, and a virtual one; a GICv3 has redistributors instead."""
    gic = board.facts.gic
    if gic is None or gic.version not in _GIC_KEYS:
        return
    wanted, foreign = _GIC_KEYS[gic.version]
    note = (gic, "version", f"version {gic.version}")
    lacking = [name for name in wanted if getattr(gic, name) is None]
    for name in lacking:
        yield fault("SDF121", f"a GICv{gic.version} has `{name}`, which is missing", (gic, ""), f"add `{name}`", [note])
    for name in foreign:
        if getattr(gic, name) is not None:
            message = f"a GICv{gic.version} has no `{name}`"
            yield fault("SDF121", message, (gic, name), f"leave it out: it is of version {5 - gic.version}", [note])
    if not lacking:
        yield from _gic_sizes(gic)
        for one, other in overlaps(_gic(board)):
            yield over("SDF121", one, other, "check both addresses")


def _gic_sizes(gic: GicTable) -> Iterator[Fault]:
    least = _DISTRIBUTOR_BYTES[gic.version]
    if gic.distributor_size < least or gic.distributor_size % PAGE_BYTES:
        message = f"`distributor_size` {gic.distributor_size:#x} is not that of a GICv{gic.version}"
        yield fault("SDF121", message, (gic, "distributor_size"), f"{size_text(least)}, or more in whole pages")
    redistributors = gic.redistributor_size
    if redistributors is not None and (redistributors == 0 or redistributors % _REDISTRIBUTOR_BYTES):
        message = f"`redistributor_size` {redistributors:#x} is not a multiple of {size_text(_REDISTRIBUTOR_BYTES)}"
        yield fault("SDF121", message, (gic, "redistributor_size"), "each core has one of 128 KiB")
    for name in ("distributor", "cpu_interface", "vcpu_interface", "redistributor"):
        address = getattr(gic, name)
        if address is not None and address % PAGE_BYTES:
            yield fault("SDF121", f"`{name}` {address:#x} does not start a page", (gic, name), "check the address")


def _disk_devices(board: Board) -> Iterator[Fault]:
    """Yield what a new description would give to the guest that drives the disk, and is not there."""
    disk = board.facts.disk
    if disk is None:
        return
    for name in disk.devices:
        if name not in board.devices:
            message = f"the disk needs `{name}`, and there is no such device{suggestion(name, board.devices)}"
            yield fault("SDF122", message, (disk, "devices"), f"known devices: {board.device_text()}")


@board_rule("SDF122", "guests have a console device, timers and a disk that exist")
def guest_facts(board: Board) -> Iterator[Fault]:
    """A guest that is given the board's UART is told its name; Linux takes the timers by their order in the tree."""
    yield from _disk_devices(board)
    guest, timer = board.facts.guest, board.facts.timer
    if guest is None:
        return
    if guest.console_device not in board.devices:
        near = suggestion(guest.console_device, board.devices)
        message = f"`console_device` is `{guest.console_device}`, and there is no such device{near}"
        advice = f"known devices: {board.device_text()}" if board.devices else "add a [[device]] for the UART"
        yield fault("SDF122", message, (guest, "console_device"), advice)
    if len(guest.timer_ppis) not in TIMER_PPIS:
        message = f"`timer_ppis` has {len(guest.timer_ppis)} numbers"
        advice = "four, or five: secure, non-secure, virtual, hypervisor (and the hypervisor's virtual) timer"
        yield fault("SDF122", message, (guest, "timer_ppis"), advice)
    elif len(set(guest.timer_ppis)) != len(guest.timer_ppis):
        yield fault("SDF122", "`timer_ppis` has one number twice", (guest, "timer_ppis"), "each timer has its own")
    elif timer is not None and timer.intid != FIRST_PPI_INTID + guest.timer_ppis[NON_SECURE_TIMER]:
        expected = FIRST_PPI_INTID + guest.timer_ppis[NON_SECURE_TIMER]
        note = (guest, "timer_ppis", f"the second is the same timer's: {expected} - {FIRST_PPI_INTID}")
        message = f"interrupt {timer.intid} is not the EL1 physical timer's"
        yield fault("SDF122", message, (timer, "intid"), f"write {expected}, or correct `timer_ppis`", [note])


@board_rule("SDF123", "devices name clocks that exist, each with its name")
def clocks(board: Board) -> Iterator[Fault]:
    """In the device tree `clocks` and `clock-names` are one list: a driver finds its clock by the name beside it."""
    known = {clock.name for clock in board.facts.clock}
    for device in (*board.facts.device, *board.facts.slots):
        for name in device.clocks:
            if name not in known:
                message = f"clock `{name}` of `{device.name}` does not exist{suggestion(name, known)}"
                advice = f"known clocks: {', '.join(sorted(known))}" if known else "add a [[clock]]"
                yield fault("SDF123", message, (device, "clocks"), advice)
        if len(device.clocks) != len(device.clock_names):
            message = f"`{device.name}` has {len(device.clocks)} clocks and {len(device.clock_names)} names for them"
            note = (device, "clocks", "the clocks")
            yield fault("SDF123", message, (device, "clock_names"), "give each clock one name", [note])
        if device.node is not None and not device.compatible:
            message = f"`{device.name}` has a `node` without `compatible`: no driver of Linux would take it"
            yield fault("SDF123", message, (device, "node"), "add `compatible`, as Linux's device tree has it")


def _virtual(board: Board) -> Iterator[tuple[range, str, Table]]:
    """Yield the interrupts of every table that has some, those of subsystems too; a private one is no device's."""
    for name in type(board.facts).keys:
        table = board.facts.of(name)
        if isinstance(table, Table) and "intid" in type(table).keys and table.of("intid") >= FIRST_SPI_INTID:
            count = table.of("intids") if "intids" in type(table).keys else 1
            yield range(table.of("intid"), table.of("intid") + count), f"of [{name}]", table


@board_rule("SDF124", "virtual interrupts differ, and are some that an interrupt controller has")
def virtual_interrupts(board: Board) -> Iterator[Fault]:
    """A guest that has two devices with one interrupt asks the wrong one, and never hears the other."""
    last = board.facts.board.irq_max
    before: list[tuple[range, str, Table]] = []
    for intids, what, table in _virtual(board):
        for others, other, at in before:
            shared = sorted({*intids} & {*others})
            if shared:
                message = f"interrupt {shared[0]} {what} is one {other} too"
                yield fault("SDF124", message, (table, "intid"), "use another", [(at, "intid", f"the one {other}")])
        before.append((intids, what, table))
        if last is not None and intids[-1] > last:
            note = (board.facts.board, "irq_max", "the last one of the board")
            message = f"virtual interrupt {intids[-1]} {what} is above {last}"
            yield fault("SDF124", message, (table, "intid"), "use a lower one", [note])


def _seen_by_guests(board: Board) -> Iterator[Span]:
    facts = board.facts
    if facts.console is not None:
        yield from span(facts.console, facts.console.registers, facts.console.size, "the console", "registers")
    if facts.emulated is not None:
        what = "emulated devices"
        yield from span(facts.emulated, facts.emulated.registers, facts.emulated.size, what, "registers")


@board_rule("SDF126", "what VMMs provide lies where a guest has nothing else")
def guest_addresses(board: Board) -> Iterator[Fault]:
    """Emulated registers must trap: over RAM, a device or the GIC they would be that, or that would be hidden."""
    seen = list(_seen_by_guests(board))
    for one in seen:
        if one.start % PAGE_BYTES:
            message = f"{one.text()} does not start a page"
            yield fault("SDF126", message, (one.table, one.key), "a guest's memory is mapped in pages of 4 KiB")
    for one, other in overlaps(seen):
        yield over("SDF126", one, other, "give each addresses of its own")
    taken = [*_gic(board), *_rows(board)]
    if board.facts.guest is not None:
        facts = board.guest
        least = max(facts.dtb_from_top, facts.initrd_from_top)
        taken += span(facts, facts.ram, least, "guest RAM", "ram")
    told: set[int] = set()
    for one, other in meeting(seen, taken):
        if id(one) not in told:
            told.add(id(one))
            yield over("SDF126", one, other, "put it where a guest has nothing else")
