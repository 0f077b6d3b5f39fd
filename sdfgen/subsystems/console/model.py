"""The console subsystem's values in a system.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from sdfgen.model.guest import TimerLink
from sdfgen.model.microkit import Origin, Vaddr
from sdfgen.model.system import System
from sdfgen.records import NamedTuple
from sdfgen.subsystems.console.spec import UartTable

NAME = "console"
MAX_CLIENTS = 60
"""templates/c/include/sdfgen/console_mux.h: CONSOLE_MUX_MAX_CLIENTS."""


class Queue(NamedTuple):
    """A queue as one of its two parties sees it: sDDF's indices, and the bytes.

    Attributes:
        indices: Where the indices are.
        data: Where the bytes are.
        size_bytes: How many there are room for; 0 for a direction that there is not.
    """

    indices: Vaddr
    data: Vaddr
    size_bytes: int


class Ends(NamedTuple):
    """A connection to the multiplexer as one of its two parties sees it; `tx` is to the UART, `rx` from it."""

    tx: Queue
    rx: Queue
    channel: int


class Client(NamedTuple):
    """A row of the multiplexer's table.

    Attributes:
        name: What its lines begin with.
        owner: The guest or protection domain.
        pd: The protection domain that speaks for it.
        near: How that sees the connection.
        far: How the multiplexer does.
        registers: Where its VMM writes the registers of virtio-console that its guest reads; None for a domain.
        sddf: It is told of it as sDDF does.
        origin: Its owner's table.
    """

    name: str
    owner: str
    pd: str
    near: Ends
    far: Ends
    registers: Vaddr | None
    sddf: bool
    origin: Origin

    @property
    def is_guest(self) -> bool:
        """It is a guest, or its VMM."""
        return self.registers is not None


class Uart(NamedTuple):
    """The UART that a driver of ours drives.

    Attributes:
        device: Its name.
        registers: Where the driver sees its registers.
        irq_channel: Where its interrupt is delivered.
        facts: How it is driven.
    """

    device: str
    registers: Vaddr
    irq_channel: int
    facts: UartTable


class Console(NamedTuple):
    """The consoles of a system.

    Attributes:
        mux: The multiplexer's protection domain.
        driver: The driver's.
        uart: What that drives; None for a driver of the author's.
        near: How the driver sees its connection to the multiplexer.
        far: How the multiplexer does.
        received_channel: The multiplexer's channel to it about what was received; another one for a driver of sDDF's.
        clients: Who is shown, those that take input first.
        inputs: How many of them take input.
        queue_bytes: What each client's queues hold.
        timer: How the multiplexer reaches the guest timer; None where there is none.
        origin: The table.
    """

    mux: str
    driver: str
    uart: Uart | None
    near: Ends
    far: Ends
    received_channel: int
    clients: tuple[Client, ...]
    inputs: int
    queue_bytes: int
    timer: TimerLink | None
    origin: Origin


def console_of(system: System) -> Console | None:
    """Return the consoles of a system."""
    found: Console | None = system.parts.get(NAME)
    return found
