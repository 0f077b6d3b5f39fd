"""Raw tables to what Microkit knows of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import DEFAULT_BUDGET_US
from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.model.microkit import (
    Cap,
    Channel,
    Domains,
    End,
    Gpa,
    Irq,
    Map,
    Paddr,
    ProtectionDomain,
    Region,
    ScheduleEntry,
    Setvar,
    Vaddr,
    Vcpu,
    VirtualMachine,
)
from sdfgen.read.files import length_bytes
from sdfgen.spec.microkit import OPEN_DOMAIN_ID
from sdfgen.units import PAGE_BYTES, round_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sdfgen.layout.ids import Ids
    from sdfgen.layout.native import Native
    from sdfgen.spec.description import Spec
    from sdfgen.spec.microkit import (
        ChannelTable,
        DomainsTable,
        IrqTable,
        MapTable,
        MemoryRegionTable,
        PdIrqTable,
        PdMapTable,
        PdSetvarTable,
        ProtectionDomainTable,
        SetvarTable,
        VirtualMachineTable,
    )


def by_name(tables: Iterable[ProtectionDomainTable]) -> list[ProtectionDomainTable]:
    """Return tables in the order of their names, so that the order in the file does not matter."""
    return sorted(tables, key=lambda table: table.name)


def channel_order(table: ChannelTable) -> list[tuple[str, int]]:
    """Return what channels are sorted by."""
    return [(end.pd, -1 if end.id is None else end.id) for end in table.ends]


def explicit_ids(spec: Spec) -> Iterator[tuple[str, int]]:
    """Yield protection domain and id of every channel and interrupt that has one in the description."""
    yield from ((end.pd, end.id) for channel in spec.channel for end in channel.ends if end.id is not None)
    yield from ((irq.pd, irq.id) for irq in spec.irq)
    for pd in all_tables(spec.protection_domain):
        yield from ((pd.name, irq.id) for irq in pd.irq)


def explicit_cores(spec: Spec) -> Iterator[int]:
    """Yield the core of every raw protection domain and virtual CPU that has one in the description."""
    for pd in all_tables(spec.protection_domain):
        vcpus = pd.virtual_machine.vcpu if pd.virtual_machine else ()
        cores = (pd.cpu, *(vcpu.cpu for vcpu in vcpus))
        yield from (core for core in cores if core is not None)


def region_of(table: MemoryRegionTable, folder: str) -> Region:
    """Return a raw memory region; without a size it has what its first content takes.

    Args:
        table: Its table.
        folder: Where relative file names of the description start.
    """
    region = Region(
        name=table.name,
        size_bytes=table.size,
        origin=table,
        page_size_bytes=table.page_size,
        phys_addr=None if table.phys_addr is None else Paddr(table.phys_addr),
        prefill_path=table.prefill_path,
        prefill_bootinfo=table.prefill_bootinfo,
        why="description",
    )
    return region if table.size is not None else region._replace(size_bytes=_filled_bytes(region, folder))


def _filled_bytes(region: Region, folder: str) -> int | None:
    """Return what a region's first content takes, in whole pages; None where there is none, or no such file."""
    if region.prefill_path is None:
        return None if region.prefill_bootinfo is None else region.checked_page_bytes
    length = length_bytes(os.path.join(folder, region.prefill_path))
    return round_up(length, region.checked_page_bytes) if isinstance(length, int) and length else None


def _map(table: MapTable) -> Map:
    return Map(
        region=table.mr,
        vaddr=Vaddr(table.vaddr),
        origin=table,
        perms=table.perms,
        cached=table.cached,
        setvar_vaddr=table.setvar_vaddr,
        setvar_size=table.setvar_size,
        setvar_prefill_size=table.setvar_prefill_size,
        why="description",
    )


def _irq(table: IrqTable) -> Irq:
    return Irq(table.irq, table.id, table, table.trigger, table.setvar_id)


def _setvar(table: SetvarTable) -> Setvar:
    return Setvar(table.symbol, table.region_paddr, table)


def _budget_us(table: ProtectionDomainTable | VirtualMachineTable) -> int | None:
    """Return a raw budget; a period alone leaves Microkit's default, which is then written out."""
    return DEFAULT_BUDGET_US if table.budget is None and table.period is not None else table.budget


def _virtual_machine(table: VirtualMachineTable) -> VirtualMachine:
    return VirtualMachine(
        name=table.name,
        origin=table,
        vcpus=tuple(Vcpu(vcpu.id, vcpu, vcpu.cpu, vcpu.setvar_id) for vcpu in table.vcpu),
        maps=tuple(_map(m)._replace(vaddr=Gpa(m.vaddr)) for m in table.map),
        priority=table.priority,
        budget_us=_budget_us(table),
        period_us=table.period,
    )


def domain_of(table: ProtectionDomainTable, parent: str | None) -> ProtectionDomain:
    """Return a raw protection domain with its children."""
    return ProtectionDomain(
        name=table.name,
        origin=table,
        program_image=table.program_image,
        path_for_symbols=table.path_for_symbols,
        priority=table.priority,
        budget_us=_budget_us(table),
        period_us=table.period,
        passive=table.passive,
        stack_size_bytes=table.stack_size,
        smc=table.smc,
        pp=table.pp,
        cpu=table.cpu,
        fpu=table.fpu,
        domain=table.domain,
        id=table.id,
        setvar_id=table.setvar_id,
        parent=parent,
        maps=tuple(_map(m) for m in table.map),
        irqs=tuple(_irq(i) for i in table.irq),
        setvars=tuple(_setvar(s) for s in table.setvar),
        caps=tuple(Cap(c.kind, c.slot, c.pd, c) for c in table.cap),
        vm=_virtual_machine(table.virtual_machine) if table.virtual_machine else None,
        children=tuple(domain_of(c, table.name) for c in by_name(table.protection_domain)),
    )


def channel_of(table: ChannelTable, ids: Ids) -> Channel:
    """Return a raw channel; ids that it does not give are the lowest free ones."""
    ends = tuple(
        End(end.pd, ids.next(end.pd) if end.id is None else end.id, end, end.pp, end.notify, end.setvar_id)
        for end in table.ends
    )
    return Channel(ends, table)


def domains_of(table: DomainsTable) -> Domains:
    """Return the scheduling domains."""
    schedule = tuple(ScheduleEntry(e.domain, e.duration, e.end_marker, e) for e in table.schedule)
    ids = tuple(None if number == OPEN_DOMAIN_ID else number for number in table.id)
    return Domains(table.names, schedule, table.start_index, table.index_shift, table, ids)


def extended(spec: Spec, pds: tuple[ProtectionDomain, ...], faults: Faults) -> tuple[ProtectionDomain, ...]:
    """Add the top-level `[[map]]`, `[[irq]]` and `[[setvar]]` tables to the domains they name."""
    if not (spec.map or spec.irq or spec.setvar):
        return pds
    domains, machines = _owner_names(pds)
    _check_owners(spec.map, [*domains, *machines], "protection domain or virtual machine", faults)
    _check_owners((*spec.irq, *spec.setvar), domains, "protection domain", faults)
    return tuple(_extend(pd, spec) for pd in pds)


def _owner_names(pds: tuple[ProtectionDomain, ...]) -> tuple[list[str], list[str]]:
    """Return the names of protection domains and of virtual machines."""
    domains, machines = [], []
    for pd in pds:
        inner_domains, inner_machines = _owner_names(pd.children)
        domains += [pd.name, *inner_domains]
        machines += [*([pd.vm.name] if pd.vm else []), *inner_machines]
    return domains, machines


def _check_owners(
    tables: tuple[PdMapTable | PdIrqTable | PdSetvarTable, ...], known: list[str], kind: str, faults: Faults
) -> None:
    unread = {fault.where for fault in faults}
    for table in tables:
        place = table.at("pd")
        if table.pd not in known and table.given("pd") and place not in unread:
            message = f"no {kind} `{table.pd}`{suggestion(table.pd, known)}"
            faults.add(Fault("SDF016", message, place, "name one that the description makes"))


def _extend(pd: ProtectionDomain, spec: Spec) -> ProtectionDomain:
    vm = pd.vm
    if vm is not None and vm.name != pd.name:
        vm = vm._replace(maps=(*vm.maps, *(_map(m) for m in spec.map if m.pd == vm.name)))
    return pd._replace(
        maps=(*pd.maps, *(_map(m) for m in spec.map if m.pd == pd.name)),
        irqs=(*pd.irqs, *(_irq(i) for i in spec.irq if i.pd == pd.name)),
        setvars=(*pd.setvars, *(_setvar(s) for s in spec.setvar if s.pd == pd.name)),
        vm=vm,
        children=tuple(_extend(child, spec) for child in pd.children),
    )


def all_tables(tables: Iterable[ProtectionDomainTable]) -> Iterator[ProtectionDomainTable]:
    """Yield every raw protection domain's table, those in others too."""
    for table in tables:
        yield table
        yield from all_tables(table.protection_domain)


def written_maps(spec: Spec, regions: Iterable[Region]) -> dict[str, list[tuple[int, int]]]:
    """Return start and size of what the description maps by hand, by the name of the space.

    Args:
        spec: The description.
        regions: Its memory regions.
    """
    sizes = {region.name: region.size_bytes or PAGE_BYTES for region in regions}
    found: dict[str, list[tuple[int, int]]] = {}
    for table in spec.map:
        found.setdefault(table.pd, []).append((table.vaddr, sizes.get(table.mr, PAGE_BYTES)))
    for pd in all_tables(spec.protection_domain):
        found.setdefault(pd.name, []).extend((m.vaddr, sizes.get(m.mr, PAGE_BYTES)) for m in pd.map)
    return found


def with_client(pd: ProtectionDomain, natives: Mapping[int, Native]) -> ProtectionDomain:
    """Return a protection domain with what it is given as a client, and its children too.

    Args:
        pd: The protection domain.
        natives: The native clients, by the identity of their tables.
    """
    children = tuple(with_client(child, natives) for child in pd.children)
    native = natives.get(id(pd.origin))
    if native is None:
        return pd._replace(children=children)
    return pd._replace(
        maps=(*pd.maps, *native.space.maps),
        setvars=(*pd.setvars, *native.setvars),
        trusted=False,  # whose code it is nobody here knows
        children=children,
    )
