"""What is emitted of the console subsystem: C tables, and virtio-console in guests' device trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.emit.c.device import DeviceConfig
from sdfgen.emit.c.initialiser import Hex
from sdfgen.emit.c.text import define, includes, table, with_head
from sdfgen.emit.devicetree.nodes import LEVEL_HIGH, spi
from sdfgen.emit.devicetree.tree import Node, Property, cells64, flag, strings
from sdfgen.model.guest import TimerLink
from sdfgen.model.microkit import Vaddr
from sdfgen.subsystems.console.client import UART_KIND, VIRTIO_KIND
from sdfgen.subsystems.console.model import console_of

if TYPE_CHECKING:
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System
    from sdfgen.subsystems.console.model import Client, Console, Ends, Queue, Uart

DEVICE_KINDS = (UART_KIND, VIRTIO_KIND)


def files(system: System) -> dict[str, bytes]:
    """Return the multiplexer's, the driver's and native clients' tables.

    Args:
        system: The system.
    """
    console = console_of(system)
    if console is None:
        return {}
    found = {f"src/{console.mux}_table.c": with_head(system, _mux_table(console))}
    if console.uart is not None:
        found[f"src/{console.driver}_table.c"] = with_head(system, _uart_table(console, console.uart))
    for client in console.clients:
        if not client.is_guest and not client.sddf:
            text = includes("console_config") + define(
                "const struct console_connection console_connection", _ends(client.near)
            )
            found[f"src/{client.pd}_console_table.c"] = with_head(system, text)
    return found


def _queue(queue: Queue) -> dict[str, object]:
    return {
        "indices_vaddr": Hex(queue.indices),
        "data_vaddr": Hex(queue.data),
        "size_bytes": Hex(queue.size_bytes),
    }


def _ends(ends: Ends) -> dict[str, object]:
    return {"tx": _queue(ends.tx), "rx": _queue(ends.rx), "channel": ends.channel}


def _mux_table(console: Console) -> str:
    rows: list[object] = [{"name": client.name, "connection": _ends(client.far)} for client in console.clients]
    text, clients = table("clients", "struct console_mux_client", rows)
    timer = console.timer or TimerLink(Vaddr(0), 0)
    config = {
        "uart": _ends(console.far),
        "received_channel": console.received_channel,
        "clients": clients["at"],
        "client_count": clients["count"],
        "input_count": console.inputs,
        "timer": {"page_vaddr": Hex(timer.page), "channel": timer.channel},
    }
    return includes("console_config") + text + define("const struct console_mux_config console_mux_config", config)


def _uart_table(console: Console, uart: Uart) -> str:
    facts = uart.facts
    rows: list[object] = [
        {"offset": Hex(store.offset), "clear": Hex(store.clear), "set": Hex(store.set)} for store in facts.setup
    ]
    text, setup = table("setup", "struct uart_store", rows)
    config = {
        "registers_vaddr": Hex(uart.registers),
        "irq_channel": uart.irq_channel,
        "mux": _ends(console.near),
        "facts": {
            "receive": Hex(facts.receive),
            "transmit": Hex(facts.transmit),
            "status": Hex(facts.status),
            "receive_empty": Hex(facts.receive_empty),
            "transmit_full": Hex(facts.transmit_full),
            "interrupts": Hex(facts.interrupts),
            "transmit_interrupt": Hex(facts.transmit_interrupt),
            "receive_interrupt": Hex(facts.receive_interrupt),
            "acknowledges": facts.acknowledge is not None,
            "acknowledge": Hex(facts.acknowledge or 0),
            "setup": setup["at"],
            "setup_count": setup["count"],
        },
    }
    return includes("uart_config") + text + define("const struct uart_config uart_config", config)


def device_config(system: System, guest: Guest, device: EmulatedDevice) -> DeviceConfig:
    """Return what a VMM is told of its guest's console; both devices are told the same.

    Args:
        system: The system.
        guest: The guest.
        device: Its device.
    """
    console = console_of(system)
    own, vmm = [client for client in (console.clients if console else ()) if client.pd == guest.vmm]
    members: dict[str, object] = {"console": {"connection": _ends(own.near), "said": _queue(vmm.near.tx)}}
    if device.kind == VIRTIO_KIND:
        members["registers_vaddr"] = Hex(own.registers or 0)
    return DeviceConfig("", members)


def nodes(_system: System, guest: Guest) -> tuple[Node, ...]:
    """Return a guest's virtio-console.

    Args:
        _system: The system.
        guest: The guest.
    """
    return tuple(_virtio_console(device) for device in guest.emulated if device.kind == VIRTIO_KIND)


def _virtio_console(device: EmulatedDevice) -> Node:
    properties = (
        strings("compatible", "virtio,mmio"),
        Property("reg", (cells64(device.gpa, device.size_bytes),)),
        spi(device.intid, LEVEL_HIGH),
        flag("dma-coherent"),
    )
    return Node(f"virtio-console@{device.gpa:x}", properties)


def records(system: System) -> dict[str, list[dict[str, Any]]]:
    """Return the consoles for the manifest, with the numbers by which input is given to them.

    Args:
        system: The system.
    """
    console = console_of(system)
    if console is None:
        return {}
    return {"consoles": [_recorded(number, one, console) for number, one in enumerate(console.clients)]}


def _recorded(number: int, client: Client, console: Console) -> dict[str, Any]:
    return {
        "name": client.name,
        "domain": client.pd,
        "number": number if number < console.inputs else None,
        "device": console.uart.device if console.uart else None,
    }
