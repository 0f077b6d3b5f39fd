"""Resolve phase: from what a person wrote to the system that is emitted for one board."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import DEFAULT_BUDGET_US
from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.layout.space import Ids
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
from sdfgen.model.system import Patch, System
from sdfgen.subsystems.block.resolve import Context, build_block
from sdfgen.subsystems.block.shared import Parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.facts.board import Board
    from sdfgen.facts.dialects import Dialect
    from sdfgen.spec.description import PatchTable, Spec
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
    from sdfgen.subsystems.block.model import Block

UIO_DRIVER_ELF = "uio_blk_driver.elf"


def resolve(spec: Spec, board: Board, dialect: Dialect, folder: str, faults: Faults) -> System:
    """Make the system for one board.

    Args:
        spec: The description.
        board: The board.
        dialect: The Microkit version.
        folder: Where relative file names of the description start.
        faults: Takes names that lead nowhere and what does not fit the board.
    """
    ids = Ids(_explicit_ids(spec))
    raw_regions = tuple(_region(table) for table in spec.memory_region)
    block: Block | None = None
    parts = Parts((), (), ())
    if spec.block is not None and spec.block.driver is not None:
        parts, block = build_block(Context(spec.block, board, dialect, ids, folder, faults), raw_regions)
    raw_pds = tuple(_protection_domain(table, None) for table in _by_name(spec.protection_domain))
    pds = _extended(spec, (*parts.pds, *raw_pds), faults)
    channels = (_channel(table, ids) for table in sorted(spec.channel, key=_channel_order))
    system = System(
        name=spec.system.name,
        board=board,
        dialect=dialect,
        config=spec.system.config,
        pds=pds,
        regions=(*parts.regions, *sorted(raw_regions, key=lambda r: r.name)),
        channels=(*parts.channels, *channels),
        domains=_domains(spec.domains) if spec.domains else None,
        block=block,
        patches=(),
        images={},
        folder=folder,
        origin=spec.system,
    )
    patches = (*_own_patches(system), *_written_patches(system, spec.patch, faults))
    return system._replace(patches=patches, images=_images(system, patches, folder, faults))


def _by_name(tables: Iterable[ProtectionDomainTable]) -> list[ProtectionDomainTable]:
    return sorted(tables, key=lambda table: table.name)


def _channel_order(table: ChannelTable) -> list[tuple[str, int]]:
    return [(end.pd, -1 if end.id is None else end.id) for end in table.ends]


def _explicit_ids(spec: Spec) -> Iterator[tuple[str, int]]:
    yield from ((end.pd, end.id) for channel in spec.channel for end in channel.ends if end.id is not None)
    yield from ((irq.pd, irq.id) for irq in spec.irq)
    waiting = list(spec.protection_domain)
    while waiting:
        pd = waiting.pop()
        yield from ((pd.name, irq.id) for irq in pd.irq)
        waiting.extend(pd.protection_domain)


def _region(table: MemoryRegionTable) -> Region:
    return Region(
        name=table.name,
        size_bytes=table.size,
        origin=table,
        page_size_bytes=table.page_size,
        phys_addr=None if table.phys_addr is None else Paddr(table.phys_addr),
        prefill_path=table.prefill_path,
        prefill_bootinfo=table.prefill_bootinfo,
        why="description",
    )


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


def _protection_domain(table: ProtectionDomainTable, parent: str | None) -> ProtectionDomain:
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
        children=tuple(_protection_domain(c, table.name) for c in _by_name(table.protection_domain)),
    )


def _channel(table: ChannelTable, ids: Ids) -> Channel:
    ends = tuple(
        End(end.pd, ids.next(end.pd) if end.id is None else end.id, end, end.pp, end.notify, end.setvar_id)
        for end in table.ends
    )
    return Channel(ends, table)


def _domains(table: DomainsTable) -> Domains:
    schedule = tuple(ScheduleEntry(e.domain, e.duration, e.end_marker, e) for e in table.schedule)
    return Domains(table.names, schedule, table.start_index, table.index_shift, table)


def _extended(spec: Spec, pds: tuple[ProtectionDomain, ...], faults: Faults) -> tuple[ProtectionDomain, ...]:
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


def _own_patches(system: System) -> Iterator[Patch]:
    """Patch the data regions' addresses into whoever needs them; with learned ones nobody is patched."""
    block = system.block
    if block is None or block.physical_addresses == "learned":
        return
    regions = system.region_index()
    images = {pd.name: pd.program_image for pd in system.pds}
    slots = [(slot.symbol, slot.region) for slot in block.driver.slots]
    for elf in (UIO_DRIVER_ELF, images[block.driver.guest.vmm], images[block.virt]):
        for symbol, region in slots:
            origin = regions[region].origin
            yield Patch(elf, symbol, regions[region].phys_addr, 8, origin, f"phys_addr('{region}')")


def _written_patches(system: System, tables: tuple[PatchTable, ...], faults: Faults) -> Iterator[Patch]:
    for table in tables:
        if isinstance(table.value, int):
            yield Patch(table.elf, table.symbol, table.value, table.size, table, str(table.value))
            continue
        from sdfgen.resolve.expressions import ExpressionError, UnknownYet, evaluate

        value = None
        try:
            value = evaluate(table.value, system)
        except UnknownYet:
            pass
        except ExpressionError as error:
            faults.add(
                Fault(
                    "SDF017",
                    f"value {table.value!r}: {error}",
                    table.at("value"),
                    "see `[[patch]]` in docs/reference.md",
                )
            )
            continue
        yield Patch(table.elf, table.symbol, value, table.size, table, table.value)


def _images(system: System, patches: tuple[Patch, ...], folder: str, faults: Faults) -> dict[str, str]:
    """Find the ELFs to patch; a program image that is not there yet waits, anything else is a fault."""
    found = {}
    awaited = {UIO_DRIVER_ELF, *(pd.program_image for pd in system.all_pds())}
    for patch in {patch.elf: patch for patch in patches}.values():
        if os.path.isabs(patch.elf) or ".." in patch.elf.split("/") or not patch.elf.isprintable():
            message = f"{patch.elf!r} leaves the folder of the description"
            faults.add(Fault("SDF018", message, patch.origin.at("elf"), "give a path below the description"))
        elif patch.elf != UIO_DRIVER_ELF and os.path.isfile(os.path.join(folder, patch.elf)):
            found[patch.elf] = patch.elf
        elif patch.elf not in awaited:
            near = suggestion(patch.elf, awaited)
            message = f"no ELF {patch.elf!r} beside the description{near}"
            faults.add(Fault("SDF018", message, patch.origin.at("elf"), "name a program image or an existing file"))
    return found
