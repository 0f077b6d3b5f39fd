"""What the console subsystem adds to descriptions: `[console]`, `console` of its clients, `[[uart]]` of board files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from sdfgen.schema.readers import Address, Flag, Name, Number, Size
from sdfgen.schema.table import Many, One, Table, key
from sdfgen.spec.description import Extension
from sdfgen.spec.scheduled import ScheduledTable
from sdfgen.units import U32_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board
    from sdfgen.spec.description import Need, Spec
    from sdfgen.spec.guest import GuestTable
    from sdfgen.spec.microkit import ProtectionDomainTable

_KIB: Final = 2**10
_WORD = Number(0, U32_MAX)


class MultiplexerTable(ScheduledTable):
    """The multiplexer: shows everybody's output on one UART, and gives input to one at a time."""

    name: str = key(Name(), "Name of its protection domain, with which its own lines begin.", default="console_mux")


class UartDriverTable(ScheduledTable):
    """The driver of the UART."""

    name: str = key(Name(), "Name of its protection domain.", default="console_uart")


class ConsoleTable(Table):
    """Consoles that one can type into, all on one UART; without it, guests print through the kernel's debug call."""

    uart: str | None = key(
        Name(),
        "The UART, by the board file's name of the device; a driver is made for it.",
        default=None,
        default_doc="the first `[[uart]]` of the board file, unless there is a `driver`",
    )
    driver: str | None = key(
        Name(),
        "Instead of `uart`: a [[protection_domain]] that drives one. Its program image has sDDF 0.7's "
        "`serial_driver_config_t` in section `.serial_driver_config`, which is filled in.",
        default=None,
    )
    queue_size: int = key(
        Size(), "Bytes that each client's queues hold: a power of two from 4 KiB to 1 MiB.", default=8 * _KIB
    )
    baud: int = key(
        Number(1, U32_MAX),
        "What a `driver` is told as its speed; a UART that is driven here keeps its own.",
        default=115_200,
    )
    multiplexer: MultiplexerTable | None = key(
        One(MultiplexerTable), "The multiplexer.", default=None, default_doc="one with defaults"
    )
    uart_driver: UartDriverTable | None = key(
        One(UartDriverTable), "The driver that is made for `uart`.", default=None, default_doc="one with defaults"
    )


class StoreTable(Table):
    """A store that sets up a UART: the register keeps the bits that are in neither `clear` nor `set`."""

    offset: int = key(Address(), "The register.")
    clear: int = key(_WORD, "Bits that are cleared.", default=U32_MAX)
    set: int = key(_WORD, "Bits that are set.", default=0)


class UartTable(Table):
    """How a UART is driven: offsets of registers of 32 bits, and bits in them."""

    device: str = key(Name(), "The [[device]] that it is.")
    receive: int = key(Address(), "Register that a received byte is read from.")
    transmit: int = key(Address(), "Register that a byte to send is stored to.")
    status: int = key(Address(), "Register that tells of both FIFOs.")
    receive_empty: int = key(_WORD, "Bit of `status`: nothing was received.")
    transmit_full: int = key(_WORD, "Bit of `status`: nothing more can be sent now.")
    interrupts: int = key(Address(), "Register that turns interrupts on.")
    transmit_interrupt: int = key(_WORD, "Bits of `interrupts`: something can be sent again.")
    receive_interrupt: int = key(_WORD, "Bits of `interrupts`: something was received.")
    acknowledge: int | None = key(
        Address(),
        "Register where interrupts end by a store of ones.",
        default=None,
        default_doc="they end by themselves",
    )
    setup: tuple[StoreTable, ...] = key(Many(StoreTable), "Stores that set it up, in this order.", default=())


CODES = {
    "SDF190": (
        "a console has nobody to drive it",
        "`[console]` names a UART that the board file knows the registers of, or a protection domain that drives one.",
    ),
    "SDF191": (
        "somebody has a console where there is none",
        "`console = true` and `sddf_console = true` are about `[console]`: without it, guests print by the kernel.",
    ),
    "SDF194": (
        "the console's UART is its driver's alone",
        "Two drivers of one UART take each other's input, and each other's room in its FIFO.",
    ),
    "SDF196": (
        "`sddf_console` is for one program",
        "sDDF 0.7 tells a client of its console in a structure of its program image: an image of its own.",
    ),
    "SDF192": (
        "too many consoles",
        "The multiplexer has room for 60 clients; a guest is two of them, since its VMM says things too.",
    ),
}


def console_table(spec: Spec) -> ConsoleTable | None:
    """Return `[console]` of a description."""
    return cast("ConsoleTable | None", spec.of("console"))


def wants_console(table: GuestTable | ProtectionDomainTable) -> bool | None:
    """Return what a guest or protection domain says about a console; None for nothing."""
    return cast("bool | None", table.of("console"))


def wants_sddf(table: ProtectionDomainTable) -> bool:
    """Tell whether a protection domain is told of its console in sDDF's way."""
    return bool(table.of("sddf_console"))


def uarts(board: Board) -> tuple[UartTable, ...]:
    """Return the UARTs that a board file knows the registers of."""
    return cast("tuple[UartTable, ...]", board.facts.of("uart"))


def needs(spec: Spec) -> Iterator[Need]:
    """Yield what consoles need of a board file."""
    table = console_table(spec)
    if table is None:
        return
    if table.driver is None:
        yield "[console]", table.where, ("uart",)
    for guest in spec.guest:
        if wants_console(guest) is not False:
            yield f"the console of guest `{guest.name}`", guest.where, ("emulated",)


def _driver(spec: Spec) -> frozenset[str]:
    table = console_table(spec)
    return frozenset({table.driver} if table is not None and table.driver is not None else ())


EXTENSION = Extension(
    tables={"console": key(One(ConsoleTable), "Consoles with input.", default=None)},
    client_keys={
        "console": key(
            Flag(),
            "It has a console: a guest virtio-console and a PL011, a protection domain queues.",
            default=None,
            default_doc="true for guests, where there is a `[console]`",
        )
    },
    board_tables={"uart": key(Many(UartTable), "How UARTs are driven.", default=())},
    moved={},
    codes=CODES,
    needs=needs,
    domain_keys={
        "sddf_console": key(
            Flag(),
            "Tell it its console in sDDF 0.7's way: its program image has a `serial_client_config_t` in section "
            "`.serial_client_config`, which is filled in.",
            default=False,
        )
    },
    served=_driver,
)
