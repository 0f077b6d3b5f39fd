"""From a system to what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests.command_line import command_line
from sdfgen.units import PAGE_BYTES
from sdfgen.views import physical
from sdfgen.views.devices import devices, devices_in, devices_of_interrupt
from sdfgen.views.document import (
    DESCRIPTION,
    FORMAT,
    VERSION,
    ChannelView,
    EndView,
    PatchView,
    RegionView,
    ScheduleView,
    SchedulingDomainView,
    SeenView,
    ServiceView,
    SlotView,
    SystemView,
)
from sdfgen.views.domains import (
    CapabilityView,
    DomainView,
    EmulatedView,
    GuestView,
    InterruptView,
    MachineView,
    MapView,
    Place,
    SetvarView,
    VcpuView,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.microkit import Channel, Domains, Map, Origin, ProtectionDomain, Region, VirtualMachine
    from sdfgen.model.system import System

GIC = "interrupt controller"


def survey(system: System, file_name: Callable[[str], str] = str, source: str = DESCRIPTION) -> SystemView:
    """Return what is shown of a system.

    Args:
        system: The system.
        file_name: Returns what to call a file that something comes from.
        source: What it was read from.
    """
    return _Survey(system, file_name).system(source)


def ordered(rights: str) -> str:
    """Return rights in the order in which everybody writes them."""
    return "".join(right for right in "rwx" if right in rights)


class _Survey:
    def __init__(self, system: System, file_name: Callable[[str], str]) -> None:
        self._system = system
        self._file_name = file_name
        self._regions = system.region_index()
        self._guests = {guest.name: guest for guest in system.guests}
        self._places: dict[tuple[int, str], Place] = {}
        self._seen: dict[str, list[SeenView]] = {}
        for owner, maps in system.spaces():
            for m in maps:
                seen = SeenView(owner, m.vaddr, ordered(m.perms), m.cached)
                self._seen.setdefault(m.region, []).append(seen)

    def system(self, source: str) -> SystemView:
        system = self._system
        return SystemView(
            format=FORMAT,
            version=VERSION,
            source=source,
            system=system.name,
            board=system.board.name,
            microkit=system.dialect.version,
            config=system.config,
            cores=system.core_count,
            domains=tuple(self._domain(pd) for pd in system.all_pds()),
            regions=tuple(map(self._region, system.regions)),
            channels=tuple(map(self._channel, system.channels)),
            services=tuple(
                ServiceView(one.who, one.may, one.what, self._place(one.origin, one.key)) for one in system.services
            ),
            devices=devices(system, self._place),
            memory=physical.memory(system, self._place),
            windows=physical.windows(system, self._place),
            patches=tuple(
                PatchView(one.elf, one.symbol, one.value, one.expression, self._place(one.origin, "value"))
                for one in system.patches
            ),
            schedule=_schedule(system.domains) if system.domains else None,
        )

    def _place(self, origin: Origin, key: str) -> Place:
        """Return the place of a key; the many things that are made of one table ask once for each key."""
        known = (id(origin), key)
        if known not in self._places:
            where = origin.at(key)
            span = where.span
            self._places[known] = Place(self._file_name(where.source.name), span.line, span.column, where.text)
        return self._places[known]

    def _domain(self, pd: ProtectionDomain) -> DomainView:
        budget_us, period_us = _times(pd.budget_us, pd.period_us)
        return DomainView(
            name=pd.name,
            parent=pd.parent,
            program_image=pd.program_image,
            path_for_symbols=pd.path_for_symbols,
            priority=pd.priority,
            budget_us=budget_us,
            period_us=period_us,
            passive=pd.passive,
            stack_size_bytes=pd.stack_size_bytes,
            smc=pd.smc,
            core=pd.cpu,
            fpu=pd.fpu,
            scheduling_domain=pd.domain,
            id=pd.id,
            setvar_id=pd.setvar_id,
            maps=self._maps(pd.maps),
            interrupts=self._interrupts(pd),
            setvars=tuple(SetvarView(s.symbol, s.region, self._place(s.origin, "symbol")) for s in pd.setvars),
            capabilities=tuple(CapabilityView(c.kind, c.slot, c.pd, self._place(c.origin, "pd")) for c in pd.caps),
            machine=self._machine(pd.vm) if pd.vm else None,
            place=self._place(pd.origin, "name"),
        )

    def _interrupts(self, pd: ProtectionDomain) -> tuple[InterruptView, ...]:
        return tuple(
            InterruptView(
                one.irq,
                one.id,
                one.trigger,
                one.setvar_id,
                devices_of_interrupt(self._system, one.irq),
                self._place(one.origin, _key_of_irq(one.origin)),
            )
            for one in pd.irqs
        )

    def _machine(self, vm: VirtualMachine) -> MachineView:
        budget_us, period_us = _times(vm.budget_us, vm.period_us)
        guest = self._guests.get(vm.name)
        return MachineView(
            name=vm.name,
            priority=vm.priority,
            budget_us=budget_us,
            period_us=period_us,
            vcpus=tuple(VcpuView(one.id, one.cpu, one.setvar_id) for one in vm.vcpus),
            maps=self._maps(vm.maps),
            guest=self._guest(guest) if guest else None,
            place=self._place(vm.origin, "name"),
        )

    def _guest(self, guest: Guest) -> GuestView:
        return GuestView(
            ram_region=guest.ram_region,
            ram_address=guest.ram_gpa,
            ram_bytes=guest.ram_bytes,
            dtb_address=guest.dtb_gpa,
            initrd_address=guest.initrd_gpa,
            kernel=guest.kernel,
            initrd=guest.initrd,
            dtb=guest.dtb,
            command_line=command_line(self._system.board, guest, own_tree=guest.dtb is not None),
            devices=guest.devices,
            emulated=tuple(map(self._emulated, guest.emulated)),
        )

    def _emulated(self, device: EmulatedDevice) -> EmulatedView:
        return EmulatedView(
            device.kind,
            device.name,
            device.gpa,
            device.size_bytes,
            device.intid,
            device.channel,
            self._place(device.origin, "name"),
        )

    def _maps(self, maps: Iterable[Map]) -> tuple[MapView, ...]:
        return tuple(map(self._map, maps))

    def _map(self, m: Map) -> MapView:
        region = self._regions.get(m.region)
        return MapView(
            region=m.region,
            address=m.vaddr,
            size_bytes=region.size_bytes if region else None,
            rights=ordered(m.perms),
            cached=m.cached,
            setvar_vaddr=m.setvar_vaddr,
            setvar_size=m.setvar_size,
            setvar_prefill_size=m.setvar_prefill_size,
            why=m.why,
            place=self._place(m.origin, "vaddr"),
        )

    def _region(self, region: Region) -> RegionView:
        return RegionView(
            name=region.name,
            kind=self._kind(region),
            size_bytes=region.size_bytes,
            page_size_bytes=region.page_size_bytes,
            phys_addr=region.phys_addr,
            prefill_path=region.prefill_path,
            prefill_bootinfo=region.prefill_bootinfo,
            is_told=region.name in self._system.told_regions,
            devices=devices_in(self._system, region),
            seen_by=tuple(self._seen.get(region.name, ())),
            why=region.why or "chosen by Microkit",
            place=self._place(region.origin, region.key or "phys_addr"),
        )

    def _kind(self, region: Region) -> str:
        start = region.phys_addr
        gic = self._system.board.facts.gic
        if start is None or physical.is_memory(self._system, start, start + (region.size_bytes or PAGE_BYTES)):
            return "memory"
        return GIC if gic is not None and start == gic.vcpu_interface else "device"

    def _channel(self, channel: Channel) -> ChannelView:
        ends = (
            EndView(end.pd, end.id, end.notify, end.pp, end.setvar_id, self._place(end.origin, "id"))
            for end in channel.ends
        )
        return ChannelView(tuple(ends), self._place(channel.origin, "ends"))


def _key_of_irq(origin: Origin) -> str:
    """Return the key that decides about an interrupt: its number, or the guest's devices."""
    return next((key for key in ("irq", "devices", "interrupts") if origin.given(key)), "irq")


def _times(budget_us: int | None, period_us: int | None) -> tuple[int | None, int | None]:
    """Return budget and period; of two of which one is left out, it is as long as the other."""
    return (period_us if budget_us is None else budget_us), (budget_us if period_us is None else period_us)


def _schedule(domains: Domains) -> ScheduleView:
    ids = domains.ids or (None,) * len(domains.names)
    return ScheduleView(
        tuple(SchedulingDomainView(name, number) for name, number in zip(domains.names, ids, strict=False)),
        tuple(SlotView(None if one.end_marker else one.domain, one.duration) for one in domains.schedule),
        domains.start_index,
        domains.index_shift,
    )
