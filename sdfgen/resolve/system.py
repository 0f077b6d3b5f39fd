"""Resolve phase: from what a person wrote to the system that is emitted for one board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests.resolve import finish, machines, shared_once
from sdfgen.guests.timer import TimerBuilder
from sdfgen.layout.context import Context, Parts
from sdfgen.layout.ids import Ids
from sdfgen.layout.native import Native
from sdfgen.layout.physical import place
from sdfgen.layout.placement import with_cores
from sdfgen.model.system import System
from sdfgen.records import NamedTuple
from sdfgen.resolve.microkit import (
    all_tables,
    by_name,
    channel_of,
    channel_order,
    domain_of,
    domains_of,
    explicit_cores,
    explicit_ids,
    extended,
    region_of,
    with_client,
    written_maps,
)
from sdfgen.resolve.patches import images_of, own_patches, written_patches
from sdfgen.subsystems import register
from sdfgen.subsystems.roles import Clients

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.facts.board import Board
    from sdfgen.facts.dialects import Dialect
    from sdfgen.faults.fault import Faults
    from sdfgen.model.counted import Counted
    from sdfgen.model.guest import Guest, GuestTimer
    from sdfgen.model.microkit import Channel, ProtectionDomain, Region
    from sdfgen.spec.description import Spec
    from sdfgen.spec.microkit import ProtectionDomainTable
    from sdfgen.subsystems.roles import Resolved


def resolve(spec: Spec, board: Board, dialect: Dialect, folder: str, faults: Faults) -> System:
    """Make the system for one board.

    Args:
        spec: The description.
        board: The board.
        dialect: The Microkit version.
        folder: Where relative file names of the description start.
        faults: Takes names that lead nowhere and what does not fit the board.
    """
    raw_regions = tuple(region_of(table, folder) for table in spec.memory_region)
    by_hand = written_maps(spec, raw_regions)
    watched: list[tuple[Counted, Region]] | None = [] if register.is_watched(spec) else None
    context = Context(spec, board, dialect, Ids(explicit_ids(spec)), by_hand, folder, faults, watched)
    natives = tuple(Native(context, table) for table in _client_tables(spec))
    made = _made(context, natives)
    system = System(
        name=spec.system.name,
        board=board,
        dialect=dialect,
        config=spec.system.config,
        image=spec.system.image,
        pds=_domains(spec, made, natives, faults),
        regions=(*_placed(context, made, natives, raw_regions), *sorted(raw_regions, key=lambda r: r.name)),
        channels=tuple(_channels(context, made, natives)),
        domains=domains_of(spec.domains) if spec.domains else None,
        guests=made.guests,
        guest_timer=made.timer,
        parts={name: one.model for name, one in made.resolved.items() if one.model},
        storage=tuple(disk for one in made.resolved.values() for disk in one.storage),
        more_names=tuple(name for one in made.resolved.values() for name in one.names),
        chains={words: chain for one in made.resolved.values() for words, chain in one.chains.items()},
        counted=tuple(counted for counted, _ in watched or ()),
        told_regions=frozenset(name for one in made.resolved.values() for name in one.told),
        patches=(),
        elves=tuple(elf for one in made.resolved.values() for elf in one.elves),
        made_images=frozenset(pd.program_image for pd in made.parts.pds),
        images={},
        folder=folder,
        origin=spec.system,
        services=tuple(service for one in made.resolved.values() for service in one.services),
        terminals=tuple(terminal for one in made.resolved.values() for terminal in one.terminals),
    )
    wanted = [patch for one in made.resolved.values() for patch in one.patches]
    known = [value for one in made.resolved.values() for value in one.values]
    patches = (*own_patches(system, wanted, known), *written_patches(system, spec.patch, faults))
    return system._replace(patches=patches, images=images_of(system, patches, faults))


class _Made(NamedTuple):
    """What guests and subsystems come to."""

    guests: tuple[Guest, ...]
    timer: GuestTimer | None
    resolved: dict[str, Resolved]
    parts: Parts


def _client_tables(spec: Spec) -> list[ProtectionDomainTable]:
    """Return the tables of protection domains that have a key of some subsystem's, or that one names."""
    keys, named = register.client_keys(), register.served(spec)
    tables = by_name(all_tables(spec.protection_domain))
    return [table for table in tables if table.name in named or any(table.given(key) for key in keys)]


def _made(context: Context, natives: tuple[Native, ...]) -> _Made:
    """Begin the guests, let each subsystem add to them, and finish them."""
    begun = machines(context)
    timer = TimerBuilder(context)
    clients = Clients(begun, natives, timer)
    resolved = {name: role.resolve(context, clients) for name, role in register.resolvers().items()}
    finished = [finish(machine, timer) for machine in begun]
    guest_timer, of_timer = timer.build()
    parts = _joined([*(one.parts for one in resolved.values()), *(of_guest for _, of_guest in finished), of_timer])
    drivers = frozenset(machine.pd for machine in begun if machine.drives)
    placed = parts._replace(pds=_on_cores(context, parts.pds, drivers))
    return _Made(tuple(guest for guest, _ in finished), guest_timer, resolved, placed)


def _on_cores(
    context: Context, pds: tuple[ProtectionDomain, ...], drivers: frozenset[str]
) -> tuple[ProtectionDomain, ...]:
    """Choose the cores that the author leaves open, where there are several."""
    cores = context.board.cores(context.spec.system.config)
    if cores == 1 or "vcpu.cpu" not in context.dialect.attributes:
        return pds
    return with_cores(pds, drivers, cores, explicit_cores(context.spec))


def _joined(parts: Iterable[Parts]) -> Parts:
    parts = list(parts)
    return Parts(
        tuple(pd for one in parts for pd in one.pds),
        shared_once([region for one in parts for region in one.regions]),
        tuple(channel for one in parts for channel in one.channels),
    )


def _domains(spec: Spec, made: _Made, natives: tuple[Native, ...], faults: Faults) -> tuple[ProtectionDomain, ...]:
    clients = {id(native.table): native for native in natives}
    raw = (with_client(domain_of(table, None), clients) for table in by_name(spec.protection_domain))
    return extended(spec, (*made.parts.pds, *raw), faults)


def _channels(context: Context, made: _Made, natives: tuple[Native, ...]) -> Iterator[Channel]:
    yield from made.parts.channels
    yield from (channel for native in natives for channel in native.channels)
    yield from (channel_of(table, context.ids) for table in sorted(context.spec.channel, key=channel_order))


def _placed(context: Context, made: _Made, natives: tuple[Native, ...], raw: tuple[Region, ...]) -> Iterator[Region]:
    """Yield the regions that are made here, with physical addresses where others must know them."""
    regions = (*made.parts.regions, *(region for native in natives for region in native.regions))
    placed = frozenset(name for one in made.resolved.values() for name in one.placed)
    ram = frozenset(guest.ram_region for guest in made.guests)
    yield from place(context, regions, raw, placed, ram)
