"""Finds guests in a system file: virtual machines of which `[[guest]]` makes all that the file has of them.

What looks like such a guest is described as one, as simply as can be. What that makes says which keys it needs beside,
and which tables it stands for. Whether it makes the same system is for the law to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.facts.dialects import MAX_ID
from sdfgen.faults.fault import Faults
from sdfgen.guests.machine import vmm_name
from sdfgen.guests.timer import NAME as TIMER
from sdfgen.importing.draft import Draft, node_of, written
from sdfgen.importing.law import made_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sdfgen.facts.board import Device
    from sdfgen.model.microkit import ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System
    from sdfgen.read.element import Element

_TIMES = {"priority": "priority", "budget": "budget_us", "period": "period_us"}
_DOMAIN = {
    **_TIMES,
    "stack_size": "stack_size_bytes",
    "program_image": "program_image",
    "core": "cpu",
    "domain": "domain",
    "fpu": "fpu",
}
"""Keys of guests and of domains that are made for them, by the fields that they decide."""


def with_guests(
    drafts: Sequence[Draft], system: System, head: Mapping[str, Any], root: Element, folder: str
) -> tuple[Draft, ...] | None:
    """Return a description's tables with guests among them; None where nothing looks like one.

    Args:
        drafts: Its tables, all of them raw.
        system: The system.
        head: What `[system]` says.
        root: The system file's root.
        folder: The folder that the description will be in.
    """
    domains = {draft.keys["name"]: draft for draft in drafts if draft.key == "protection_domain"}
    vmms = [(pd, pd.vm) for pd in system.pds if pd.vm is not None and pd.name == vmm_name(pd.vm.name)]
    guests = {pd.name: _guest(domains[pd.name], pd, vm, system) for pd, vm in vmms}
    if not guests or TIMER not in domains:
        return None
    made = made_of(node_of(tuple(guests.values()), head, root), system, folder, Faults())
    if made is None:
        return None
    wanted = {pd.name: pd for pd in system.pds}
    for pd in made.pds:
        if pd.name in guests:
            guests[pd.name] = _completed(guests[pd.name], pd, wanted[pd.name])
        elif pd.name == TIMER:
            keys = _otherwise(pd, wanted[TIMER], _DOMAIN)
            guests[TIMER] = _draft("guest_timer", domains[TIMER].element, keys)
    return _put(drafts, made, guests)


def _draft(key: str, element: Element, keys: Mapping[str, Any], *inside: Draft) -> Draft:
    return Draft(key, element, dict(keys), inside, (), (), {}, ())


def _guest(vmm: Draft, pd: ProtectionDomain, vm: VirtualMachine, system: System) -> Draft:
    """Return a guest as simply as it can be: its RAM, CPUs and devices."""
    ram = next((region for region in system.regions if region.name == f"{vm.name}_ram"), None)
    devices = _devices(pd, vm, system)
    covered = {device.intid for device in devices}
    names = {device.intid: device.name for device in system.board.devices.values()}
    keys = {
        "name": vm.name,
        "ram": None if ram is None else written(ram.size_bytes or 0, ram.origin, "size"),
        "cpus": len(vm.vcpus) if len(vm.vcpus) > 1 else None,
        "devices": [device.name for device in devices] or None,
        "interrupts": [names[irq.irq] for irq in pd.irqs if irq.irq in names.keys() - covered] or None,
        "smc": pd.smc or None,
    }
    return _draft("guest", vmm.element, {key: value for key, value in keys.items() if value is not None})


def _devices(pd: ProtectionDomain, vm: VirtualMachine, system: System) -> list[Device]:
    """Return the devices that a guest has, in the order of the ids of their interrupts, which is the author's."""
    ids = {irq.irq: irq.id for irq in pd.irqs}
    regions = system.region_index()
    mapped = [regions[m.region] for m in vm.maps if m.region in regions]
    found = [
        device
        for device in system.board.devices.values()
        for region in mapped
        if region.phys_addr is not None and 0 <= device.base - region.phys_addr < (region.size_bytes or 0)
        if region.name == f"dev_{device.name}" or device.intid in ids
    ]
    return sorted(found, key=lambda device: (ids.get(device.intid or 0, MAX_ID), device.base))


def _completed(guest: Draft, made: ProtectionDomain, wanted: ProtectionDomain) -> Draft:
    """Return a guest with the keys that it needs to become what it is in the file."""
    keys = dict(guest.keys)
    if made.vm is not None and wanted.vm is not None:
        keys |= _otherwise(made.vm, wanted.vm, _TIMES)
        cores = [vcpu.cpu for vcpu in wanted.vm.vcpus]
        if cores != [vcpu.cpu for vcpu in made.vm.vcpus] and None not in cores:
            keys["core"] = cores
    vmm = _otherwise(made, wanted, _DOMAIN)
    return _draft("guest", guest.element, keys, *([_draft("vmm", guest.element, vmm)] if vmm else []))


def _otherwise(made: Any, wanted: Any, fields: Mapping[str, str]) -> dict[str, Any]:  # noqa: ANN401 - domains, machines
    """Return the keys that make one thing another, as far as that has values; a period is the budget by default."""
    values = {key: getattr(wanted, field) for key, field in fields.items()}
    if wanted.period_us == wanted.budget_us:
        del values["period"]
    return {
        key: written(value, wanted.origin, fields[key].removesuffix("_us").removesuffix("_bytes"))
        for key, value in values.items()
        if value is not None and value != getattr(made, fields[key])
    }


def _put(drafts: Sequence[Draft], made: System, guests: Mapping[str, Draft]) -> tuple[Draft, ...] | None:
    """Return tables with guests instead of what these make; None where that would lose comments."""
    names = {
        "memory_region": {region.name for region in made.regions},
        "protection_domain": {pd.name for pd in made.pds},
    }
    channels = {frozenset((end.pd, end.id) for end in channel.ends) for channel in made.channels}
    found: list[Draft] = []
    for draft in drafts:
        ends = frozenset((end.keys["pd"], end.keys["id"]) for end in draft.inside if draft.key == "channel")
        if draft.keys.get("name") not in names.get(draft.key, ()) and ends not in channels:
            found.append(draft)
        elif _says(draft):
            return None
        elif draft.key == "protection_domain" and guests[draft.keys["name"]].keys:
            found.append(guests[draft.keys["name"]])
    return tuple(found)


def _says(draft: Draft) -> bool:
    """Tell whether a table has comments."""
    own = (*draft.before, *draft.beside, *draft.end, *(text for texts in draft.above.values() for text in texts))
    return bool(own) or any(map(_says, draft.inside))
