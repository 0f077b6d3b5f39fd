"""The console subsystem: the size of its queues, and that they are somebody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.subsystems.console.model import console_of
from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System

LEAST_BYTES = 0x1000
MOST_BYTES = 0x10_0000
"""templates/c/include/sdfgen/serial_queue.h: SERIAL_QUEUE_MAX_BYTES."""


@rule("SDF193", "a console's queues hold a power of two from 4 KiB to 1 MiB", Stage.VALUES)
def queue_size(system: System) -> Iterator[Fault]:
    """Queue indices run freely through 32 bits and are taken modulo the size.

    At the wrap from 2^32 - 1 to 0 every other size than a power of two jumps to a wrong byte. A line, its name and what
    a line that it interrupts begins with fit into 4 KiB.
    """
    console = console_of(system)
    if console is None:
        return
    size = console.queue_bytes
    if not LEAST_BYTES <= size <= MOST_BYTES or size & (size - 1):
        message = f"queue size {size_text(size)} of [console] is not a power of two from 4 KiB to 1 MiB"
        below = min(MOST_BYTES, max(LEAST_BYTES, 1 << max(0, size.bit_length() - 1)))
        yield fault("SDF193", message, (console.origin, "queue_size"), f'"{size_text(below)}" would do')


@rule("SDF195", "somebody has a console")
def some_client(system: System) -> Iterator[Fault]:
    """A UART driver and a multiplexer without anybody to serve are a forgotten table, not a system."""
    console = console_of(system)
    if console is not None and not console.clients:
        advice = "set console = true on a [[protection_domain]], or add a [[guest]]"
        yield fault("SDF195", "nobody has a console of [console]", (console.origin, "uart"), advice)
