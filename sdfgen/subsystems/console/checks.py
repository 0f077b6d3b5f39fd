"""What the files made of the console subsystem must say: it shares nothing with what writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.guests.checks import shared_interrupt, two_cells
from sdfgen.model.told import From
from sdfgen.subsystems.console.client import VIRTIO_KIND
from sdfgen.subsystems.console.model import console_of

if TYPE_CHECKING:
    from sdfgen.guests.checks import Nodes
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System
    from sdfgen.model.told import Field
    from sdfgen.subsystems.console.model import Console, Ends, Queue, Uart


_UART_WORDS = (
    *("receive", "transmit", "status", "receive_empty", "transmit_full"),
    *("interrupts", "transmit_interrupt", "receive_interrupt"),
)
"""Numbers of a board file that the driver is told as they are."""


def tables(system: System) -> dict[str, dict[str, Any]]:
    """Return what the variables of the subsystem's C tables hold, by variable, by file.

    Args:
        system: The system.
    """
    console = console_of(system)
    if console is None:
        return {}
    found: dict[str, dict[str, Any]] = {f"src/{console.mux}_table.c": {"console_mux_config": _mux(console)}}
    if console.uart is not None:
        found[f"src/{console.driver}_table.c"] = {"uart_config": _driver(console, console.uart)}
    for client in console.clients[: console.inputs]:
        if not (client.is_guest or client.sddf):
            config = From(_connection(client.near), client.origin, "console")
            found[f"src/{client.pd}_console_table.c"] = {"console_connection": config}
    return found


def _bytes(queue: Queue) -> dict[str, Any]:
    indices, data, size_bytes = queue
    return {"indices_vaddr": indices, "data_vaddr": data, "size_bytes": size_bytes}


def _connection(ends: Ends) -> dict[str, Any]:
    return {"tx": _bytes(ends.tx), "rx": _bytes(ends.rx), "channel": ends.channel}


def _mux(console: Console) -> From:
    clients = [
        From({"name": one.name, "connection": _connection(one.far)}, one.origin, "console") for one in console.clients
    ]
    page, channel = console.timer or (0, 0)
    config = {
        "uart": _connection(console.far),
        "received_channel": console.received_channel,
        "clients": clients or None,
        "client_count": len(clients),
        "input_count": console.inputs,
        "timer": {"page_vaddr": page, "channel": channel},
    }
    return From(config, console.origin, "uart")


def _driver(console: Console, uart: Uart) -> From:
    facts = uart.facts
    stores = [{"offset": one.offset, "clear": one.clear, "set": one.set} for one in facts.setup]
    told: dict[str, Any] = {name: From(getattr(facts, name), facts, name) for name in _UART_WORDS}
    told |= {"acknowledges": facts.acknowledge is not None, "acknowledge": facts.acknowledge or 0}
    told |= {"setup": stores or None, "setup_count": len(stores)}
    config = {
        "registers_vaddr": uart.registers,
        "irq_channel": uart.irq_channel,
        "mux": _connection(console.near),
        "facts": told,
    }
    return From(config, console.origin, "uart")


def device_config(system: System, guest: Guest, device: EmulatedDevice) -> object:
    """Return what the configuration of a guest's console device holds.

    Args:
        system: The system.
        guest: The guest.
        device: Its device.
    """
    console = console_of(system)
    rows = {one.name: one for one in console.clients} if console else {}
    own = rows[guest.name]
    told = {"connection": _connection(own.near), "said": _bytes(rows[guest.vmm].near.tx)}
    registers = {"registers_vaddr": own.registers} if device.kind == VIRTIO_KIND else {}
    return {"console": told, **registers}


def nodes(_system: System, guest: Guest) -> Nodes:
    """Return the subsystem's nodes in a guest's device tree.

    Args:
        _system: The system.
        guest: The guest.
    """
    return {
        f"/virtio-console@{device.gpa:x}": {
            "compatible": ("virtio,mmio",),
            "reg": From(two_cells(device.gpa, device.size_bytes), device.origin, "console"),
            "interrupts": From(shared_interrupt(device.intid, edge=False), device.origin, "console"),
            "dma-coherent": (),
        }
        for device in guest.emulated
        if device.kind == VIRTIO_KIND
    }


def fields(_system: System) -> dict[str, list[Field]]:
    """Return nothing: it has no binary files."""
    return {}
