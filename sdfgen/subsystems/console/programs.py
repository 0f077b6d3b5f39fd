"""The programs of the console subsystem: multiplexer and UART driver, and what consoles need of a VMM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.model.program import Folders, Program
from sdfgen.subsystems.console.client import UART_KIND, VIRTIO_KIND
from sdfgen.subsystems.console.model import console_of

if TYPE_CHECKING:
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System

DEVICE_FOLDERS = {
    UART_KIND: Folders(("vmm_console_pl011", "vmm_console"), ("pl011", "serial")),
    VIRTIO_KIND: Folders(("vmm_virtio_console", "vmm_virtio", "vmm_console"), ("virtio_console", "virtio", "serial")),
}
"""By the kind of the device."""


def programs(system: System) -> tuple[Program, ...]:
    """Return the programs.

    Args:
        system: The system.
    """
    console = console_of(system)
    if console is None:
        return ()
    images = system.images_by_pd()
    mux = Program(
        images[console.mux],
        console.origin,
        console.mux,
        (f"src/{console.mux}_table.c",),
        ("console_mux_pd", "microkit"),
        ("console_mux", "serial", "pl011", "counters", "pd"),
    )
    if console.uart is None:
        return (mux,)
    table = (f"src/{console.driver}_table.c",)
    folders, libraries = ("uart_pd", "microkit"), ("uart", "serial", "counters", "pd")
    return (mux, Program(images[console.driver], console.origin, console.driver, table, folders, libraries))


def tables(system: System) -> dict[str, Origin]:
    """Return generated C that is compiled for native clients to link, each with the table that it comes from.

    Args:
        system: The system.
    """
    console = console_of(system)
    natives = [one for one in console.clients if not one.is_guest and not one.sddf] if console else []
    return {f"src/{client.pd}_console_table.c": client.origin for client in natives}
