"""Nodes of guests' device trees: processor, memory, interrupt controller, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.names import c_name
from sdfgen.emit.devicetree.tree import Cells, Node, Property, cells64, flag, numbers, strings
from sdfgen.facts.board_tables import FIRST_SPI_INTID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board, Device
    from sdfgen.model.guest import EmulatedDevice, Guest

# Addresses and sizes are 64-bit numbers of two cells each, as `cells64` writes them.
ADDRESS_CELLS = 2
SIZE_CELLS = 2
ROOT_CELLS = (numbers("#address-cells", ADDRESS_CELLS), numbers("#size-cells", SIZE_CELLS))

# Interrupts as the GIC's binding has them: kind, number, flags.
INTERRUPT_CELLS = 3
SPI = 0
PPI = 1
EDGE_RISING = 1
LEVEL_HIGH = 4
TRIGGERS = {"edge": EDGE_RISING, "level": LEVEL_HIGH}
FIRST_CPU_BIT = 8
"""GICv2: the mask of the CPUs that have a PPI, above the trigger."""
REDISTRIBUTOR_BYTES = 0x2_0000
"""GICv3: each CPU has one."""
GIC = "gic"
GIC_V3 = 3

CONSOLE = "pl011"
CONSOLE_CLOCK = "console-clock"
CONSOLE_CLOCK_HZ = 24_000_000
"""Linux wants a clock that is fast enough for any baud rate; the emulated console has none."""


def spi(intid: int, trigger: int) -> Property:
    """Return the `interrupts` of a node with one shared interrupt."""
    comment = f"SPI = INTID {intid} - {FIRST_SPI_INTID}"
    return numbers("interrupts", SPI, intid - FIRST_SPI_INTID, trigger, comment=comment)


def chosen(guest: Guest, bootargs: str, *more: Property) -> Node:
    """Return what the boot loader says to Linux: command line and initial RAM disk."""
    properties = [strings("bootargs", bootargs)] if bootargs else []
    if guest.initrd_bytes:
        end = guest.initrd_gpa + guest.initrd_bytes
        properties += [
            Property("linux,initrd-start", (cells64(guest.initrd_gpa),)),
            Property("linux,initrd-end", (cells64(end),), f"{guest.initrd_bytes} bytes"),
        ]
    return Node("chosen", (*more, *properties))


def memory(guest: Guest, name: str | None = None) -> Node:
    """Return the guest's RAM.

    Args:
        guest: The guest.
        name: The node's name where that is given.
    """
    reg = Property("reg", (cells64(guest.ram_gpa, guest.ram_bytes),))
    return Node(name or f"memory@{guest.ram_gpa:x}", (strings("device_type", "memory"), reg))


def cpus(board: Board, count: int) -> Node:
    """Return the CPUs that a guest has; each is called as PSCI and VMPIDR call it, by its virtual CPU's id."""
    kind = (strings("device_type", "cpu"), strings("compatible", board.guest.cpu))
    method = strings("enable-method", "psci")
    nodes = (Node(f"cpu@{i:x}", (*kind, numbers("reg", i), method)) for i in range(count))
    return Node("cpus", (numbers("#address-cells", 1), numbers("#size-cells", 0)), tuple(nodes))


def psci(board: Board) -> Node:
    """Return how the guest starts CPUs and switches itself off."""
    compatible = strings("compatible", "arm,psci-1.0", "arm,psci-0.2")
    return Node("psci", (compatible, strings("method", board.guest.psci)))


def timer(board: Board, cpu_count: int) -> Node:
    """Return the architected timer, of which each CPU has one."""
    every_cpu = (1 << cpu_count) - 1 << FIRST_CPU_BIT
    trigger = LEVEL_HIGH if board.gic.version == GIC_V3 else every_cpu | LEVEL_HIGH
    interrupts = tuple(Cells((PPI, number, trigger)) for number in board.guest.timer_ppis)
    compatible = strings("compatible", "arm,armv8-timer")
    return Node("timer", (compatible, Property("interrupts", interrupts), flag("always-on")))


def gic(board: Board, cpu_interface_bytes: int, cpu_count: int) -> Node:
    """Return the interrupt controller, with as much of a CPU interface, or as many redistributors, as the guest has."""
    facts = board.gic
    _, (base, _) = board.guest_gic()
    is_v3 = facts.version == GIC_V3
    second = cells64(base, cpu_count * REDISTRIBUTOR_BYTES if is_v3 else cpu_interface_bytes)
    properties = (
        strings("compatible", "arm,gic-v3" if is_v3 else "arm,cortex-a15-gic"),
        flag("interrupt-controller"),
        numbers("#interrupt-cells", INTERRUPT_CELLS),
        numbers("#address-cells", 0),
        Property("reg", (cells64(facts.distributor, facts.distributor_size), second)),
    )
    return Node(f"interrupt-controller@{facts.distributor:x}", properties, label=GIC)


def clocks(board: Board, devices: list[Device]) -> Iterator[Node]:
    """Yield the fixed clocks that the devices need."""
    used = {name for device in devices for name in device.facts.clocks}
    for clock in board.facts.clock:
        if clock.name in used:
            yield _fixed_clock(clock.name, clock.frequency_hz)


def _fixed_clock(name: str, frequency_hz: int) -> Node:
    properties = (
        strings("compatible", "fixed-clock"),
        numbers("#clock-cells", 0),
        numbers("clock-frequency", frequency_hz),
    )
    return Node(name, properties, label=c_name(name))


def console_name(console: EmulatedDevice) -> str:
    """Return the name of the emulated console's node, which stands below the root."""
    return f"{CONSOLE}@{console.gpa:x}"


def console_nodes(guest: Guest) -> tuple[Node, ...]:
    """Return the emulated console and its clock; nothing for a guest that has none."""
    console = guest.console
    if console is None:
        return ()
    clock = c_name(CONSOLE_CLOCK)
    properties = (
        strings("compatible", "arm,pl011", "arm,primecell"),
        Property("reg", (cells64(console.gpa, console.size_bytes),)),
        spi(console.intid, LEVEL_HIGH),
        Property("clocks", (Cells((clock,)), Cells((clock,)))),
        strings("clock-names", "uartclk", "apb_pclk"),
    )
    return _fixed_clock(CONSOLE_CLOCK, CONSOLE_CLOCK_HZ), Node(console_name(console), properties)


def device_name(device: Device) -> str:
    """Return the name of a device's node, which stands below the root."""
    return f"{device.facts.node}@{device.base:x}"


def device_node(device: Device) -> Node:
    """Return a device that is passed through."""
    facts = device.facts
    properties = [
        strings("compatible", *facts.compatible),
        Property("reg", (cells64(device.base, device.size_bytes),)),
    ]
    if device.intid is not None:
        properties.append(spi(device.intid, TRIGGERS[facts.trigger]))
    if facts.clocks:
        properties.append(Property("clocks", tuple(Cells((c_name(name),)) for name in facts.clocks)))
        properties.append(strings("clock-names", *facts.clock_names))
    if facts.coherent:
        properties.append(flag("dma-coherent"))
    return Node(device_name(device), tuple(properties))
