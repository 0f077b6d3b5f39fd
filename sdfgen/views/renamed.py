"""A system with other names for what was renamed, so that two systems can be compared name by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.views.renames import DOMAIN, IMAGE, MACHINE, REGION, symbol_kind, with_new_regions

if TYPE_CHECKING:
    from sdfgen.views.document import ChannelView, PatchView, RegionView, SystemView
    from sdfgen.views.domains import DomainView, MachineView, MapView
    from sdfgen.views.renames import Renames


def renamed(view: SystemView, new: Renames) -> SystemView:
    """Return a system with the names that its things have in another.

    Args:
        view: The system.
        new: The names.
    """
    machines = {machine.name for machine in view.machines()}

    def owner(name: str) -> str:
        return new(MACHINE if name in machines else DOMAIN, name)

    return view._replace(
        domains=tuple(_domain(domain, new) for domain in view.domains),
        regions=tuple(_region(region, new) for region in view.regions),
        channels=tuple(_channel(channel, new) for channel in view.channels),
        services=tuple(one._replace(who=owner(one.who)) for one in view.services),
        patches=tuple(_patch(patch, new) for patch in view.patches),
        devices=tuple(
            device._replace(
                reached_by=tuple(map(owner, device.reached_by)),
                regions=tuple(new(REGION, name) for name in device.regions),
            )
            for device in view.devices
        ),
    )


def _patch(patch: PatchView, new: Renames) -> PatchView:
    """Return a patch with the new names of its symbol and of the regions that it is computed from."""
    expression = with_new_regions(patch.expression, new)
    return patch._replace(expression=expression, symbol=new(symbol_kind(patch), patch.symbol))


def _domain(domain: DomainView, new: Renames) -> DomainView:
    return domain._replace(
        name=new(DOMAIN, domain.name),
        parent=domain.parent and new(DOMAIN, domain.parent),
        program_image=new(IMAGE, domain.program_image),
        maps=_maps(domain.maps, new),
        setvars=tuple(one._replace(region=new(REGION, one.region)) for one in domain.setvars),
        capabilities=tuple(one._replace(domain=new(DOMAIN, one.domain)) for one in domain.capabilities),
        machine=domain.machine and _machine(domain.machine, new),
    )


def _machine(machine: MachineView, new: Renames) -> MachineView:
    return machine._replace(name=new(MACHINE, machine.name), maps=_maps(machine.maps, new))


def _maps(maps: tuple[MapView, ...], new: Renames) -> tuple[MapView, ...]:
    return tuple(m._replace(region=new(REGION, m.region)) for m in maps)


def _region(region: RegionView, new: Renames) -> RegionView:
    return region._replace(name=new(REGION, region.name))


def _channel(channel: ChannelView, new: Renames) -> ChannelView:
    return channel._replace(ends=tuple(end._replace(domain=new(DOMAIN, end.domain)) for end in channel.ends))
