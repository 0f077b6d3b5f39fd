"""What a name of a system stands for: region, domain, machine, device, program image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.units import range_text
from sdfgen.views.answers import AccessView, AnswerView, DecisionView
from sdfgen.views.why_parts import map_decision, region_decisions, seen
from sdfgen.views.words import DMA_WORDS, UNKNOWN_WORDS, about_text, guest_words, service_words, slots_text, time_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.views.document import DeviceView, RegionView, SystemView
    from sdfgen.views.domains import DomainView, EmulatedView, MachineView, MapView


def answers(view: SystemView, name: str) -> Iterator[AnswerView]:
    """Yield what a name stands for.

    Args:
        view: The system.
        name: The name.
    """
    yield from (_region(view, region) for region in view.regions if region.name == name)
    yield from (_domain(view, domain) for domain in view.domains if domain.name == name)
    for domain in view.domains:
        if domain.machine is not None and domain.machine.name == name:
            yield _machine(view, domain, domain.machine)
    yield from (_device(device) for device in view.devices if device.name == name)
    yield from _others(view, name)


def names(view: SystemView) -> Iterator[str]:
    """Yield all names that there is an answer for.

    Args:
        view: The system.
    """
    for things in (view.regions, view.domains, view.machines(), view.devices, view.windows):
        yield from (one.name for one in things)
    yield from (domain.program_image for domain in view.domains)
    yield from (patch.elf for patch in view.patches)
    yield from (one.name for machine in view.machines() if machine.guest for one in machine.guest.emulated)
    yield from (one.name for one in (view.schedule.domains if view.schedule else ()))


def _region(view: SystemView, region: RegionView) -> AnswerView:
    size = "of unknown size" if region.size_bytes is None else f"of {about_text(region.size_bytes)}"
    place = "anywhere" if region.phys_addr is None else f"at {region.phys_addr:#x}"
    more = [f"registers of {slots_text(region.devices)}"] if region.devices else []
    more += [UNKNOWN_WORDS] if region.kind == "device" and not region.devices else []
    content = region.prefill_path or region.prefill_bootinfo
    more += [f"begins as {content}"] if content else []
    more += ["somebody is told its physical address"] if region.is_told else []
    decisions = [*region_decisions(view, region), *_map_decisions(view, region.name)]
    kind = "memory region" if region.kind == "memory" else f"memory region ({region.kind})"
    return AnswerView(kind, region.name, f"{size} {place}", tuple(more), seen(view, region), tuple(decisions))


def _map_decisions(view: SystemView, region: str) -> Iterator[DecisionView]:
    for owner, maps in view.spaces():
        yield from (map_decision(owner, m) for m in maps if m.region == region)


def _sees(owner: str, maps: Iterable[MapView]) -> tuple[AccessView, ...]:
    return tuple(AccessView(owner, m.region, m.address, m.rights, m.cached) for m in maps)


def _domain(view: SystemView, domain: DomainView) -> AnswerView:
    times = time_words(domain.budget_us, domain.period_us)
    what = f"priority {domain.priority}{', ' * bool(times)}{times}, runs {domain.program_image}"
    more = [f"child {domain.id} of {domain.parent}, which handles its faults"] if domain.parent else []
    more += [f"parent of {child.name}" for child in view.domains if child.parent == domain.name]
    more += [f"serves the virtual machine {domain.machine.name}"] if domain.machine else []
    more += ["may make SMC calls"] if domain.smc else []
    more += _channels(view, domain.name)
    more += [service_words(one) for one in view.services if one.who == domain.name]
    more += [f"receives interrupt {one.irq} as id {one.id}" for one in domain.interrupts]
    more += [f"has the {one.kind} of {one.domain} in slot {one.slot}" for one in domain.capabilities]
    more += [
        f"{other.name} has its {one.kind}"
        for other in view.domains
        for one in other.capabilities
        if one.domain == domain.name
    ]
    decision = DecisionView("it", "a table of the description", domain.place)
    decisions = (decision, *(map_decision(domain.name, m) for m in domain.maps))
    return AnswerView("protection domain", domain.name, what, tuple(more), _sees(domain.name, domain.maps), decisions)


def _channels(view: SystemView, name: str) -> Iterator[str]:
    for channel in view.channels:
        for near, far in (channel.ends, channel.ends[::-1]):
            if near.domain == name:
                may = ["notify it"] * near.notifies + ["call it"] * near.calls
                others = ["notified"] * far.notifies + ["called"] * far.calls
                said = [f"may {' and '.join(may)}"] * bool(may) + [f"may be {' and '.join(others)} by it"] * bool(
                    others
                )
                yield f"channel {near.id} to {far.domain}: {', '.join(said)}"


def _machine(view: SystemView, domain: DomainView, machine: MachineView) -> AnswerView:
    times = time_words(machine.budget_us, machine.period_us)
    what = f"priority {machine.priority}{', ' * bool(times)}{times}, served by {domain.name}"
    more = guest_words(machine.guest) if machine.guest else []
    more += [service_words(one) for one in view.services if one.who == machine.name]
    decision = DecisionView("it", "a table of the description", machine.place)
    decisions = (decision, *(map_decision(machine.name, m) for m in machine.maps))
    return AnswerView("virtual machine", machine.name, what, tuple(more), _sees(machine.name, machine.maps), decisions)


def _device(device: DeviceView) -> AnswerView:
    what = f"registers at {range_text(device.address, device.size_bytes)}"
    what += f", interrupt {device.interrupt}" if device.interrupt is not None else ""
    more = [f"given to {', '.join(device.given_to)}"] if device.given_to else []
    more += [f"its registers are reached by {', '.join(device.reached_by)}"] if device.reached_by else []
    more += [f"its interrupt comes to {', '.join(device.interrupts)}"] if device.interrupts else []
    more += [DMA_WORDS] if device.dma else []
    more += [f"its driver knows the address of {name}" for name in device.told]
    decision = DecisionView("it", "a device of the board file", device.place)
    return AnswerView("device", device.name, what, tuple(more), decisions=(decision,))


def _others(view: SystemView, name: str) -> Iterator[AnswerView]:
    """Yield images, emulated devices, windows, scheduling domains and ELFs of a name."""
    for domain in view.domains:
        if name in {domain.program_image, domain.path_for_symbols}:
            decision = DecisionView("it", "the program image", domain.place)
            yield AnswerView("program image", name, f"of {domain.name}", decisions=(decision,))
        if domain.scheduling_domain == name:
            yield AnswerView("scheduling domain", name, f"{domain.name} runs in it")
    yield from (_emulated(machine, name) for machine in view.machines() if _played(machine, name))
    for one in view.windows:
        if one.name == name:
            decision = DecisionView("it", "a [[window]] of the board file", one.place)
            what = f"{range_text(one.start, one.end - one.start)}, where regions may be given an address"
            yield AnswerView("window", name, what, decisions=(decision,))
    patched = [patch for patch in view.patches if patch.elf == name]
    if patched:
        what = f"takes values of {', '.join(patch.symbol for patch in patched)}"
        decisions = tuple(DecisionView(patch.symbol, patch.expression, patch.place) for patch in patched)
        yield AnswerView("ELF", name, what, decisions=decisions)


def _played(machine: MachineView, name: str) -> list[EmulatedView]:
    """Return the devices of a name that a VMM plays."""
    return [one for one in machine.guest.emulated if one.name == name] if machine.guest else []


def _emulated(machine: MachineView, name: str) -> AnswerView:
    one = _played(machine, name)[0]
    what = (
        f"a {one.kind} that the VMM of {machine.name} plays, registers at {one.address:#x}, interrupt {one.interrupt}"
    )
    decision = DecisionView("it", "a table of the description", one.place)
    return AnswerView("emulated device", name, what, decisions=(decision,))
