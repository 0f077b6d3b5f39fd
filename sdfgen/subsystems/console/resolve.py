"""From `[console]` to a UART driver, a multiplexer, and what everybody gets who has a console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.guests.machine import Machine
from sdfgen.layout.context import Parts
from sdfgen.model.counted import CONSOLE, CountedRow
from sdfgen.model.microkit import Channel, End
from sdfgen.model.system import Service, Terminal
from sdfgen.subsystems.console.client import Wish, attach, wishes
from sdfgen.subsystems.console.driver import attach_driver, server
from sdfgen.subsystems.console.model import MAX_CLIENTS, Client, Console
from sdfgen.subsystems.console.sddf import KeyOrigin, client_config
from sdfgen.subsystems.console.spec import MultiplexerTable, console_table, wants_console, wants_sddf
from sdfgen.subsystems.roles import Resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.layout.context import Context
    from sdfgen.layout.native import Native
    from sdfgen.spec.microkit import ProtectionDomainTable
    from sdfgen.subsystems.roles import Clients, ElfValue


def resolve(context: Context, clients: Clients) -> Resolved:
    """Make the consoles of a description.

    Args:
        context: Board, ids and so on.
        clients: The guests and protection domains that may have one.
    """
    table = console_table(context.spec)
    if table is None:
        context.faults.extend(list(_homeless(clients)))
        return Resolved(None, Parts())
    mux = table.multiplexer or MultiplexerTable.empty(table.where, context.faults)
    space = context.domain_space(mux.name)
    driver = attach_driver(context, table, mux.name, space, clients)
    if driver is None:
        return Resolved(None, Parts())
    wanted = _bounded(context, wishes(clients))
    context.faults.extend(list(_shared_images(wanted)))
    made = [attach(context, table, wish, mux.name, space) for wish in wanted]
    rows = (*(one.client for one in made), *(one.vmm for one in made if one.vmm is not None))
    console = Console(
        mux=mux.name,
        driver=driver.pd,
        uart=driver.uart,
        near=driver.near,
        far=driver.far,
        received_channel=driver.received_channel,
        clients=rows,
        inputs=len(made),
        queue_bytes=table.queue_size,
        timer=clients.timer.connect(mux.name, mux.name, mux, space) if clients.guests else None,
        origin=table,
    )
    if mux.program_image is None:
        counted = ("", *(row.name for row in rows))
        context.let_count(mux.name, space, tuple(CountedRow(name, CONSOLE) for name in counted), mux)
    pds = (server(context, mux, space), *((driver.made,) if driver.made else ()))
    regions = (*driver.regions, *(one.region for one in made))
    channels = (*driver.channels, *(_channel(console, one.client) for one in made))
    return Resolved(
        model=console,
        parts=Parts(pds, regions, channels),
        values=(*driver.values, *_configs(zip(wanted, (one.client for one in made), strict=True))),
        chains={"[console]": frozenset({mux.name, driver.pd, *_vmms(console)})},
        services=tuple(_services(console)),
        terminals=tuple(Terminal(client.owner, number) for number, client in enumerate(rows[: len(made)])),
    )


def _homeless(clients: Clients) -> Iterator[Fault]:
    """Yield who asks for a console where there is none."""
    everybody: tuple[Machine | Native, ...] = (*clients.guests, *clients.natives)
    for client in everybody:
        key = "console" if wants_console(client.table) else "sddf_console"
        if wants_console(client.table) or vars(client.table).get(key):
            message = f"`{client.name}` has `{key} = true`, and there is no [console]"
            yield Fault("SDF191", message, client.table.at(key), "add [console], which says who drives the UART")


def _shared_images(wanted: list[Wish]) -> Iterator[Fault]:
    """Yield clients of sDDF's that have one program image, in which each needs its own console."""
    first: dict[str, ProtectionDomainTable] = {}
    tables = [wish.client.table for wish in wanted if not isinstance(wish.client, Machine)]
    for table in filter(wants_sddf, tables):
        other = first.setdefault(table.program_image, table)
        if other is not table:
            message = (
                f"`{other.name}` and `{table.name}` have one program image, {table.program_image!r}, "
                "and each needs its own console in it"
            )
            notes = ((other.at("program_image"), "it is named here"), (table.at("program_image"), "and here"))
            yield Fault("SDF196", message, table.at("sddf_console"), "copy it, and name the copy", notes)


def _bounded(context: Context, wanted: list[Wish]) -> list[Wish]:
    """Return the clients that there is room for, by their names."""
    room, taken = MAX_CLIENTS, []
    for wish in wanted:
        room -= wish.rows
        if room < 0:
            message = (
                f"{sum(one.rows for one in wanted)} clients of [console]; its multiplexer has room for {MAX_CLIENTS}"
            )
            advice = "set console = false where none is needed; a guest counts twice"
            context.faults.add(Fault("SDF192", message, wish.client.table.at("console"), advice))
            break
        taken.append(wish)
    return taken


def _channel(console: Console, client: Client) -> Channel:
    ends = (End(console.mux, client.far.channel, client.origin), End(client.pd, client.near.channel, client.origin))
    return Channel(ends, client.origin)


def _configs(made: Iterable[tuple[Wish, Client]]) -> Iterator[ElfValue]:
    """Yield what goes into the program images of sDDF's clients."""
    for wish, client in made:
        if client.sddf and not isinstance(wish.client, Machine):
            table = wish.client.table
            yield from client_config(table.program_image, client.near, KeyOrigin(table, "sddf_console"))


def _vmms(console: Console) -> set[str]:
    return {client.pd for client in console.clients if client.is_guest}


def _services(console: Console) -> Iterator[Service]:
    for client in console.clients[: console.inputs]:
        yield Service(client.owner, ("read", "write"), "its console on the UART", client.origin, "console")
