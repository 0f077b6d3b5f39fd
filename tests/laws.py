"""What must hold of any system, worked out anew."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from sdfgen.subsystems.block.model import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.model.microkit import Map
    from sdfgen.model.system import System

PAGE, LARGE = 0x1000, 0x20_0000


def check(system: System) -> None:
    """Hold a system to all of them."""
    check_spaces(system)
    check_physical(system)
    check_ids(system)
    check_guests(system)
    check_timer(system)


def check_spaces(system: System) -> None:
    """No address space has two things at one address, or anything over a program image."""
    sizes = {region.name: region.size_bytes or PAGE for region in system.regions}
    for pd in system.all_pds():
        assert disjoint(ranges(pd.maps, sizes))
        assert all(start >= 0x100_0000 for start, _ in ranges(pd.maps, sizes))
    for _, vm in system.vms():
        assert disjoint(ranges(vm.maps, sizes))
    assert len({region.name for region in system.regions}) == len(system.regions)


def ranges(maps: Iterable[Map], sizes: dict[str, int]) -> list[tuple[int, int]]:
    return [(int(m.vaddr), sizes[m.region]) for m in maps]


def disjoint(parts: Iterable[tuple[int, int]]) -> bool:
    return all(a + size <= b for (a, size), (b, _) in itertools.pairwise(sorted(parts)))


def check_physical(system: System) -> None:
    """Fixed regions are disjoint, page aligned and clear of the kernel; told ones lie in windows if they are fixed."""
    fixed = [(int(r.phys_addr), r.size_bytes or PAGE) for r in system.regions if r.phys_addr is not None]
    kernel = system.board.facts.kernel
    assert kernel is not None
    assert disjoint([*fixed, (kernel.base, kernel.reserve)])
    assert all(address % PAGE == 0 for address, _ in fixed)
    windows = [(w.base, w.base + w.size) for w in system.board.facts.window]
    regions = system.region_index()
    for name in system.told_regions:
        address, size = regions[name].phys_addr, regions[name].size_bytes or 0
        assert address is None or any(low <= address and address + size <= high for low, high in windows)
        assert address is None or size % LARGE or address % LARGE == 0


def check_ids(system: System) -> None:
    """Channels and interrupts of a domain have ids of their own."""
    used = [(end.pd, end.id) for channel in system.channels for end in channel.ends]
    used += [(pd.name, irq.id) for pd in system.all_pds() for irq in pd.irqs]
    assert len(set(used)) == len(used)
    assert all(0 <= number <= 61 for _, number in used)


def far_ends(system: System, pd: str) -> list[tuple[int, str]]:
    """Return a domain's channel ids with the domains that they lead to."""
    ends = [{end.pd: end.id for end in channel.ends} for channel in system.channels]
    return [(own[pd], other) for own in ends if pd in own for other in own if other != pd]


def holders(system: System) -> dict[str, list[tuple[str, str, int]]]:
    """Return who maps each region: name, permissions and address."""
    spaces = [(pd.name, pd.maps) for pd in system.all_pds()] + [(vm.name, vm.maps) for _, vm in system.vms()]
    found: dict[str, list[tuple[str, str, int]]] = {}
    for name, maps in spaces:
        for m in maps:
            found.setdefault(m.region, []).append((name, m.perms, int(m.vaddr)))
    return found


def check_guests(system: System) -> None:
    """Each guest is a machine with a VMM; what its VMM emulates traps, at interrupts of their own."""
    sizes = {region.name: region.size_bytes or PAGE for region in system.regions}
    machines = {vm.name: (pd, vm) for pd, vm in system.vms()}
    for guest in system.guests:
        pd, vm = machines[guest.name]
        assert pd.name == guest.vmm == f"{guest.name}_vmm"
        assert sizes[guest.ram_region] == guest.ram_bytes
        assert (guest.ram_region, guest.ram_gpa) in {(m.region, m.vaddr) for m in vm.maps}
        rows = guest.emulated
        assert disjoint((row.gpa, row.size_bytes) for row in rows)
        intids = [row.intid for row in rows] + [intid for _, intid in guest.passthrough]
        assert len(set(intids)) == len(intids)
        assert len({row.name for row in rows}) == len(rows)
        writable = [(int(m.vaddr), sizes[m.region]) for m in vm.maps if "w" in m.perms]
        assert disjoint([*writable, *((int(row.gpa), row.size_bytes) for row in rows)]), "a store traps"


def check_timer(system: System) -> None:
    """Each has a page that it writes and the guest timer reads, and nobody else sees; their tables agree.

    They are the virtualisers whose requests have a time, and then the VMMs.
    """
    timer, mapped = system.guest_timer, holders(system)
    if timer is None:
        assert not system.guests
        return
    channels = [{end.pd: end.id for end in channel.ends} for channel in system.channels]
    woken = [(block.virt, block.virt, block.timer) for block in blocks_of(system) if block.timer]
    woken += [(guest.name, guest.vmm, guest.timer) for guest in system.guests]
    for (name, woken_pd, near), far in zip(woken, timer.links, strict=True):
        assert mapped[f"{name}_wake"] == [(woken_pd, "rw", near.page), (timer.pd, "r", far.page)]
        assert {timer.pd: far.channel, woken_pd: near.channel} in channels
    assert far_ends(system, timer.pd) == list(enumerate(woken_pd for _, woken_pd, _ in woken))
    (pd,) = (pd for pd in system.pds if pd.name == timer.pd)
    assert pd.priority > max(other.priority for other in system.pds if other.name != pd.name)
    facts = system.board.facts.timer
    assert [(irq.irq, irq.id) for irq in pd.irqs] == ([(facts.intid, timer.irq_channel)] if facts else [])
    assert (pd.budget_us, pd.period_us) == ((None, None) if facts else (100, 1000))
