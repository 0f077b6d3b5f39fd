"""Recognises what has another name now: it is like what it was, in what it has and whom it has to do with.

Names that both systems have mean the same in both. Of the others, each pair of a kind gets a likeness: which part of
what is said of one is said of the other, with names of what is not recognised yet left out. The most alike pair is
taken for one thing, and so on; what is recognised makes its neighbours easier, so that all is looked at three times.
Who serves a virtual machine that both have is recognised by that.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from sdfgen.views.changes import RenameView

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from sdfgen.views.document import PatchView, SystemView

DOMAIN, MACHINE, REGION = "protection domain", "virtual machine", "memory region"
IMAGE = "program image"
_LIKE = 0.6
"""From this likeness on two things are one."""
_ROUNDS = 3
_UNKNOWN = "?"

Names = dict[tuple[str, str], str]
"""What something is called in both systems, by kind and name; of what is not recognised there is nothing."""


class Renames:
    """Names of the first system's things in the second.

    Attributes:
        renamed: What was recognised under another name.
    """

    def __init__(self, before: SystemView, after: SystemView) -> None:
        found = sorted(_recognised(before, after))
        self._new: Names = {(kind, old): new for kind, old, new in found}
        symbols = sorted(_symbols(before, after, self))
        self._new |= {(kind, old): new for kind, old, new in symbols}
        self._new |= _images(before, after, self)
        self.renamed = tuple(RenameView(*one) for one in (*found, *symbols))

    def __call__(self, kind: str, name: str) -> str:
        """Return what something of the first system is called in the second; its own name when it is not there."""
        return self._new.get((kind, name), name)


def _images(before: SystemView, after: SystemView, new: Renames) -> Names:
    """Return the program images that bear their domains' names in both systems, and go with them."""
    has = {domain.name: domain.program_image for domain in after.domains}
    names = ((domain, new(DOMAIN, domain.name)) for domain in before.domains)
    return {
        (IMAGE, domain.program_image): has[name]
        for domain, name in names
        if domain.program_image == f"{domain.name}.elf" and has.get(name) == f"{name}.elf"
    }


def symbol_kind(patch: PatchView) -> str:
    """Return the kind of a patch's symbol: symbols of different ELFs have nothing to do with each other."""
    return f"symbol of {patch.elf}"


def with_new_regions(expression: str, new: Renames) -> str:
    """Return an expression with the new names of the regions that it names.

    Args:
        expression: The expression.
        new: The names.
    """
    return re.sub(r"'([^']*)'", lambda found: f"'{new(REGION, found[1])}'", expression)


def _symbols(before: SystemView, after: SystemView, new: Renames) -> Iterator[tuple[str, str, str]]:
    """Yield symbols that get what another one got: what is computed alike for one ELF, and in one place only."""
    had = {(patch.elf, patch.symbol) for patch in before.patches}
    has = {(patch.elf, patch.symbol) for patch in after.patches}
    old = [patch for patch in before.patches if (patch.elf, patch.symbol) not in has]
    left = [(patch, (patch.elf, with_new_regions(patch.expression, new))) for patch in old]
    right = [(patch, (patch.elf, patch.expression)) for patch in after.patches if (patch.elf, patch.symbol) not in had]
    once = Counter(what for _, what in left), Counter(what for _, what in right)
    by_what = {what: patch for patch, what in right}
    for patch, what in left:
        if once[0][what] == once[1][what] == 1:
            yield symbol_kind(patch), patch.symbol, by_what[what].symbol


def _recognised(before: SystemView, after: SystemView) -> list[tuple[str, str, str]]:
    had, has = _things(before), _things(after)
    shared = {key: key[1] for key in had & has}
    old: Names = dict(shared)
    new: Names = dict(shared)
    found: list[tuple[str, str, str]] = []

    def take(kind: str, pairs: Iterable[tuple[str, str]]) -> None:
        for one, two in pairs:
            old[kind, one] = new[kind, two] = min(one, two) + "\0" + max(one, two)
            found.append((kind, one, two))

    take(DOMAIN, [pair for pair in _serving(before, after) if not {(DOMAIN, name) for name in pair} & (had & has)])
    for _ in range(_ROUNDS):
        for kind in (DOMAIN, MACHINE, REGION):
            left = {name for one, name in had if one == kind and (one, name) not in old}
            right = {name for one, name in has if one == kind and (one, name) not in new}
            take(kind, _pairs(_said(before, kind, left, old), _said(after, kind, right, new)))
    return found


def _serving(before: SystemView, after: SystemView) -> Iterator[tuple[str, str]]:
    """Yield who serves a machine that both systems have: whatever else is said of the two, they are its VMM."""
    served = {domain.machine.name: domain.name for domain in after.domains if domain.machine}
    for domain in before.domains:
        if domain.machine is not None and domain.machine.name in served:
            yield domain.name, served[domain.machine.name]


def _things(view: SystemView) -> set[tuple[str, str]]:
    domains = {(DOMAIN, domain.name) for domain in view.domains}
    machines = {(MACHINE, machine.name) for machine in view.machines()}
    return domains | machines | {(REGION, region.name) for region in view.regions}


def _pairs(left: dict[str, Counter[Hashable]], right: dict[str, Counter[Hashable]]) -> Iterator[tuple[str, str]]:
    """Yield pairs that are alike, the most alike first, each thing in one pair at most."""
    likely = [
        (-likeness, -_same_ends(one, two), min(one, two), max(one, two), one, two)
        for one, said in left.items()
        for two, other in right.items()
        if (likeness := _likeness(said, other)) >= _LIKE
    ]
    taken: set[tuple[bool, str]] = set()
    for *_, one, two in sorted(likely):
        if not taken & {(False, one), (True, two)}:
            taken |= {(False, one), (True, two)}
            yield one, two


def _likeness(one: Counter[Hashable], two: Counter[Hashable]) -> float:
    return (one & two).total() / max(1, (one | two).total())


def _same_ends(one: str, two: str) -> int:
    """Return how many letters two names have in common at their beginnings and ends."""
    pairs = ((one, two), (one[::-1], two[::-1]))
    return sum(_same_start(*pair) for pair in pairs)


def _same_start(one: str, two: str) -> int:
    return next((index for index, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _said(view: SystemView, kind: str, names: set[str], known: Names) -> dict[str, Counter[Hashable]]:
    """Return all that is said of things, with names that both systems know."""
    if not names:
        return {}
    say: dict[str, Callable[[], Iterator[tuple[str, Hashable]]]] = {
        DOMAIN: lambda: _of_domains(view, known),
        MACHINE: lambda: _of_machines(view, known),
        REGION: lambda: _of_regions(view, known),
    }
    said: dict[str, Counter[Hashable]] = {name: Counter() for name in names}
    for name, what in say[kind]():
        if name in said:
            said[name][what] += 1
    return said


def _of_domains(view: SystemView, known: Names) -> Iterator[tuple[str, Hashable]]:
    sizes = {region.name: region.size_bytes for region in view.regions}
    for domain in view.domains:
        name = domain.name
        image = domain.program_image
        yield name, ("image", "its own" if image == f"{name}.elf" else image)
        yield name, ("times", domain.priority, domain.budget_us, domain.period_us, domain.scheduling_domain)
        yield name, ("parent", domain.parent and known.get((DOMAIN, domain.parent), _UNKNOWN))
        yield name, ("machine", domain.machine and known.get((MACHINE, domain.machine.name), _UNKNOWN))
        yield from ((name, ("interrupt", one.irq, one.id)) for one in domain.interrupts)
        for m in domain.maps:
            yield name, ("map", known.get((REGION, m.region), _UNKNOWN), sizes.get(m.region), m.rights, m.cached)
    for channel in view.channels:
        for near, far in (channel.ends, channel.ends[::-1]):
            peer = known.get((DOMAIN, far.domain), _UNKNOWN)
            yield near.domain, ("channel", peer, far.id, near.id, near.calls, far.calls)


def _of_machines(view: SystemView, known: Names) -> Iterator[tuple[str, Hashable]]:
    sizes = {region.name: region.size_bytes for region in view.regions}
    for domain in view.domains:
        machine = domain.machine
        if machine is None:
            continue
        # Who serves it says most: a machine whose VMM is not recognised is not either.
        vmm = known.get((DOMAIN, domain.name), f"{_UNKNOWN}{domain.name}")
        yield from ((machine.name, ("served by", vmm, number)) for number in range(2 * len(machine.maps) + 2))
        yield machine.name, ("times", machine.priority, machine.budget_us, machine.period_us, len(machine.vcpus))
        for m in machine.maps:
            yield machine.name, ("map", known.get((REGION, m.region), _UNKNOWN), sizes.get(m.region), m.rights)


def _of_regions(view: SystemView, known: Names) -> Iterator[tuple[str, Hashable]]:
    """Yield what is said of regions; those who see one and are not recognised have nothing to do with anybody else."""
    machines = {machine.name for machine in view.machines()}
    for region in view.regions:
        yield region.name, ("size", region.size_bytes, region.page_size_bytes)
        yield region.name, ("place", region.kind, region.phys_addr)
        yield region.name, ("content", region.prefill_path, region.prefill_bootinfo)
        for seen in region.seen_by:
            kind = MACHINE if seen.owner in machines else DOMAIN
            owner = known.get((kind, seen.owner), f"{_UNKNOWN}{seen.owner}")
            yield region.name, ("seen", owner, seen.rights, seen.cached)
            yield region.name, ("by", owner)
            yield region.name, ("at", owner, seen.address)
