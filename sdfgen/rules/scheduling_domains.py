"""Scheduling domains and capabilities, both from Microkit 2.3.0."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import MAX_CAP_SLOT, MAX_DOMAINS, MAX_SCHEDULE_ENTRIES
from sdfgen.faults.fault import suggestion
from sdfgen.rules.dialect import knows
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.schema.readers import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import Cap, Domains, Origin, ScheduleEntry
    from sdfgen.model.system import System

_DURATION = re.compile(r"(0x\+?[0-9a-fA-F]{1,99}|\+?[0-9]{1,99}) (\w+)")
"""A number as the tool reads it, which leaves out any `_` first."""
_MAX_DURATION = 2**56 - 1
_UNITS = ("us", "ticks")
CAP_KINDS = ("tcb", "sc", "vspace")


def _domains(system: System) -> Domains | None:
    return system.domains if knows(system, "domains") else None


@rule("SDF065", "domains are 1 to 16 with ids of their own, on one core", Stage.VALUES)
def domains(system: System) -> Iterator[Fault]:
    """The kernel's domain schedule is for one core and is built with room for 16; the tool lets a 17th pass."""
    found = _domains(system)
    if found is None:
        return
    names = found.names
    if _on_several_cores(system):
        message = f"domains are for one core, and `{system.config}` runs on {system.core_count}"
        other = [(system.origin, "config", "the configuration is here")]
        yield fault("SDF065", message, (found.origin, ""), "use a configuration without smp", other)
    if not 0 < len(names) <= MAX_DOMAINS:
        message = f"{len(names)} domains; there can be 1 to {MAX_DOMAINS}"
        yield fault("SDF065", message, (found.origin, "names"), "change the list")
    for name, count in Counter(names).items():
        if count > 1:
            message = f"domain `{name}` is listed twice"
            yield fault("SDF065", message, (found.origin, "names"), "list it once")
    yield from _domain_ids(found)


def _domain_ids(found: Domains) -> Iterator[Fault]:
    """Check the domains' numbers in the kernel."""
    place, ids = (found.origin, "id"), found.ids
    if ids and len(ids) != len(found.names):
        message = f"`id` has {len(ids)} of the {len(found.names)} that `names` has"
        yield fault("SDF065", message, place, "give each domain one, -1 where Microkit may choose")
    first = {number: position for position, number in reversed(list(enumerate(ids)))}
    for position, number in enumerate(ids):
        if number is not None and not 0 <= number < MAX_DOMAINS:
            message = f"domain id {number} is not in 0 to {MAX_DOMAINS - 1}"
            yield fault("SDF065", message, place, f"use 0 to {MAX_DOMAINS - 1}, or -1 where Microkit may choose")
        elif number is not None and first[number] != position:
            yield fault("SDF065", f"domain id {number} is given twice", place, "give each domain its own")


@rule("SDF066", "protection domains are in a domain when there are any", Stage.VALUES)
def membership(system: System) -> Iterator[Fault]:
    """With a domain schedule, whoever is in no domain has no time to run in; without one there is nothing to be in."""
    found = _domains(system)
    if _on_several_cores(system):
        yield from _in_a_domain(system) if found is None else ()  # [domains] itself is told of
        return
    names = frozenset(found.names if found is not None else ())
    for pd in system.all_pds() if knows(system, "protection_domain.domain") else ():
        place = (pd.origin, "domain")
        if found is None and pd.domain is not None:
            message = f"`{pd.name}` is in domain `{pd.domain}`, but the system has no domains"
            yield fault("SDF066", message, place, "add [domains], or leave `domain` out")
        elif found is not None and pd.domain is None:
            other = [(found.origin, "names", "the domains are here")]
            yield fault("SDF066", f"`{pd.name}` is in no domain", place, "add `domain`", other)
        elif found is not None and pd.domain not in names:
            yield from _unknown("SDF066", f"`{pd.name}`", str(pd.domain), found, pd.origin)


def _on_several_cores(system: System) -> bool:
    """Tell whether a system's kernel is one for several cores, which is built with a single domain."""
    return system.core_count > 1


def _in_a_domain(system: System) -> Iterator[Fault]:
    """Yield the fault of each `domain` that there cannot be; once where several protection domains have it of one."""
    told: set[Where] = set()
    for pd in system.all_pds() if knows(system, "protection_domain.domain") else ():
        place = pd.origin.at("domain")
        if pd.domain is not None and place not in told:
            told.add(place)
            message = f"`{pd.name}` is in domain `{pd.domain}`, and the kernel of `{system.config}` has no domains"
            other = [(system.origin, "config", "the configuration is here")]
            yield fault(
                "SDF066",
                message,
                (pd.origin, "domain"),
                "leave `domain` out, or use a configuration without smp",
                other,
            )


def _unknown(code: str, who: str, name: str, found: Domains, origin: Origin) -> Iterator[Fault]:
    message = f"{who} names domain `{name}`, which does not exist{suggestion(name, found.names)}"
    other = [(found.origin, "names", "the domains are here")]
    yield fault(code, message, (origin, "domain"), "name one of `domains.names`", other)


@rule("SDF067", "schedule entries are a domain with a duration, or the end marker", Stage.VALUES)
def entries(system: System) -> Iterator[Fault]:
    """The kernel would take a duration of 0 for the end marker, and keeps 56 bits of it."""
    found = _domains(system)
    names = frozenset(found.names if found is not None else ())
    for entry in found.schedule if found is not None else ():
        if entry.end_marker == (entry.domain is not None or entry.duration is not None):
            what = "both an end marker and a time slice" if entry.end_marker else "neither time slice nor end marker"
            message = f"a schedule entry is {what}"
            yield fault("SDF067", message, (entry.origin, ""), "give it `domain` and `duration`, or `end_marker`")
        elif not entry.end_marker:
            yield from _slice(entry)
        if found is not None and entry.domain is not None and entry.domain not in names:
            yield from _unknown("SDF067", "a schedule entry", entry.domain, found, entry.origin)


def _slice(entry: ScheduleEntry) -> Iterator[Fault]:
    """Check a time slice for domain and duration."""
    if entry.domain is None or entry.duration is None:
        missing = "domain" if entry.domain is None else "duration"
        yield fault("SDF067", f"a schedule entry has no `{missing}`", (entry.origin, missing), f"add `{missing}`")
        return
    number, space, unit = entry.duration.partition(" ")
    match = _DURATION.fullmatch(number.replace("_", "") + space + unit)
    place = (entry.origin, "duration")
    if match is None or match[2] not in _UNITS:
        near = suggestion(match[2], _UNITS) if match else ""
        message = f"duration {entry.duration!r} is not a number of us or ticks{near}"
        yield fault("SDF067", message, place, 'write "100 us" or "5000 ticks"')
        return
    base = 16 if match[1].startswith("0x") else 10
    if not 0 < int(match[1].removeprefix("0x"), base) <= _MAX_DURATION:
        message = f"duration {entry.duration!r} is not in 1 to {_MAX_DURATION}"
        yield fault("SDF067", message, place, 'write "100 us" or "5000 ticks"')


def _ends(entry: ScheduleEntry) -> bool:
    return entry.end_marker and entry.domain is None and entry.duration is None


@rule("SDF068", "the schedule has 1 to 99 entries and starts at one of them", Stage.VALUES)
def schedule(system: System) -> Iterator[Fault]:
    """The kernel has room for 100 entries, the last an end marker; at boot it refuses to start at an end marker."""
    found = _domains(system)
    if found is None:
        return
    count, start, shift = len(found.schedule), found.start_index, found.index_shift or 0
    if not 0 < count <= MAX_SCHEDULE_ENTRIES:
        message = f"a domain schedule of {count} entries; there can be 1 to {MAX_SCHEDULE_ENTRIES}"
        yield fault("SDF068", message, (found.origin, "schedule"), "add or remove [[domains.schedule]] tables")
        return
    if not 0 <= start < count:
        message = f"the schedule starts at entry {start}; its entries are 0 to {count - 1}"
        yield fault("SDF068", message, (found.origin, "start_index"), f"use 0 to {count - 1}")
    else:
        # Entry 0 holds the kernel's own start until the schedule is set up, so it must not end there either.
        first = [found.schedule[start], *(found.schedule[:1] if shift == 0 else ())]
        for marker in [entry for entry in first if _ends(entry)][:1]:
            yield fault("SDF068", "the schedule starts at an end marker", (marker.origin, "end_marker"), "move it back")
    if not 0 <= shift <= MAX_SCHEDULE_ENTRIES - count:
        room = MAX_SCHEDULE_ENTRIES - count
        message = f"a schedule of {count} entries is shifted by {shift}; 0 to {room} is possible"
        yield fault("SDF068", message, (found.origin, "index_shift"), f"use 0 to {room}")


@rule("SDF069", "capabilities have a kind, a slot of their own and an owner", Stage.VALUES)
def caps(system: System) -> Iterator[Fault]:
    """Slot 0 means no capability; the part of a CSpace that is the user's ends at 127."""
    known = {pd.name for pd in system.all_pds()}
    for pd in system.all_pds() if knows(system, "protection_domain.cap") else ():
        first: dict[int, Cap] = {}
        for cap in pd.caps:
            yield from _cap(cap, known)
            earlier = first.setdefault(cap.slot, cap)
            if earlier is not cap:
                message = f"two capabilities of `{pd.name}` are in slot {cap.slot}"
                other = [(earlier.origin, "slot", "the other one is here")]
                yield fault("SDF069", message, (cap.origin, "slot"), "give one of them another slot", other)


def _cap(cap: Cap, known: set[str]) -> Iterator[Fault]:
    if cap.kind not in CAP_KINDS:
        kinds = ", ".join(f"`{kind}`" for kind in CAP_KINDS)
        message = f"capability kind {cap.kind!r} is none of {kinds}{suggestion(cap.kind, CAP_KINDS)}"
        yield fault("SDF069", message, (cap.origin, "kind"), f"write one of {kinds}")
    if not 1 <= cap.slot <= MAX_CAP_SLOT:
        message = f"slot {cap.slot} is not in 1 to {MAX_CAP_SLOT}"
        yield fault("SDF069", message, (cap.origin, "slot"), f"use 1 to {MAX_CAP_SLOT}")
    if cap.pd not in known and Text.harmless not in known:
        message = f"`{cap.pd}` is no protection domain{suggestion(cap.pd, known)}"
        yield fault("SDF069", message, (cap.origin, "pd"), "name a protection domain")
