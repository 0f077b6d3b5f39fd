"""Names: spelling, length, and who may not share one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import NAME_BYTES
from sdfgen.read.element import Element
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.spec.microkit import DomainsTable, MemoryRegionTable, ProtectionDomainTable, VirtualMachineTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System

_SPELLING = re.compile(r"[A-Za-z0-9_-]+")
_WILD = re.compile(r"[A-Za-z0-9_./@:+-]+")
_RESERVED = "monitor"
_VM = "virtual machine"


class _Named(NamedTuple):
    kind: str
    name: str
    origin: Origin
    key: str = "name"


def _threads(system: System) -> Iterator[_Named]:
    """Yield virtual machines first: of two names made from one table, theirs is the one the author wrote."""
    yield from (_Named(_VM, vm.name, vm.origin) for _, vm in system.vms())
    yield from (_Named("protection domain", pd.name, pd.origin) for pd in system.all_pds())


def _named(system: System) -> Iterator[_Named]:
    if system.origin.given("name"):
        yield _Named("system", system.name, system.origin)
    yield from (_Named(*named) for named in system.more_names)
    yield from _threads(system)
    yield from (_Named("memory region", region.name, region.origin) for region in system.regions)
    if system.domains is not None:
        yield from (_Named("domain", name, system.domains.origin, "names") for name in system.domains.names)


_RAW = (DomainsTable, MemoryRegionTable, ProtectionDomainTable, VirtualMachineTable, Element)
"""What has names that go into the system file only: no C, no file."""


@rule("SDF020", "names are made of letters, digits, _ and - where C and files are made of them", Stage.NAMES)
def spelling(system: System) -> Iterator[Fault]:
    """What sdfgen makes goes into file names and C identifiers too. Microkit itself takes any name that XML can hold.

    Names as others write them (`serial.driver`, `pl011@9000000/regs`) are good; spaces and the like are legal.
    """
    told: set[Where] = set()
    for kind, name, origin, key in _named(system):
        place = origin.at(key)
        if key == "name" and not origin.given(key):
            continue  # made of names that are judged themselves
        allowed = _WILD if isinstance(origin, _RAW) else _SPELLING
        if allowed.fullmatch(name) or place in told:
            continue
        told.add(place)
        better = "".join(c if _SPELLING.fullmatch(c) else "_" for c in name) or "_"
        advice = f"rename it, for example to `{better}`"
        if allowed is _SPELLING:
            message = f"name {name!r} of a {kind} has characters other than A-Z a-z 0-9 _ -"
            yield fault("SDF020", message, (origin, key), advice)
        elif (name.isprintable() and name) or isinstance(origin, Element):
            message = f"name {name!r} of a {kind} is unusual: it has characters other than A-Z a-z 0-9 and _-./@:+"
            yield fault("SDF020", message, (origin, key), advice, severity="note")
        else:
            message = f"name {name!r} of a {kind} has characters that an XML file cannot hold"
            yield fault("SDF020", message, (origin, key), advice)


@rule("SDF021", "names of protection domains and virtual machines have at most 63 bytes", Stage.NAMES)
def length(system: System) -> Iterator[Fault]:
    """Microkit keeps 64 bytes with the terminator and cuts longer names without a word; only reports show them."""
    told: set[Where] = set()
    for kind, name, origin, key in _threads(system):
        size = len(name.encode(errors="replace"))
        if size > NAME_BYTES and origin.at(key) not in told:
            told.add(origin.at(key))
            message = f"name {name!r} of a {kind} has {size} bytes; {NAME_BYTES} fit"
            yield fault("SDF021", message, (origin, key), "shorten it", severity="note")


@rule("SDF022", "names of protection domains are not cut", Stage.NAMES)
def cut(system: System) -> Iterator[Fault]:
    """Microkit 1.4.1 keeps 16 bytes, the terminator included; fault reports then show a name that nobody wrote."""
    fit = system.dialect.pd_name_bytes - 1
    for pd in system.all_pds():
        raw = pd.name.encode(errors="replace")
        if fit < len(raw) <= NAME_BYTES:
            message = (
                f"name {pd.name!r} of a protection domain has {len(raw)} bytes; "
                f"Microkit {system.dialect.version} keeps {fit}"
            )
            yield fault("SDF022", message, (pd.origin, "name"), f"use at most {fit} bytes", severity="note")


@rule("SDF023", "nobody is named `monitor`", Stage.NAMES)
def reserved(system: System) -> Iterator[Fault]:
    """Microkit adds a protection domain of that name; from 2.1.0 it refuses another, and aborts on such a machine."""
    if "monitor_name" not in system.dialect.checks:
        for pd in system.all_pds():
            if pd.name == _RESERVED:
                message = f"`{_RESERVED}` is what Microkit calls its own protection domain; 2.1.0 refuses the name"
                yield fault("SDF023", message, (pd.origin, "name"), "rename it", severity="note")
        return
    told: set[int] = set()
    for _, name, origin, key in _threads(system):
        if name == _RESERVED and id(origin) not in told:
            told.add(id(origin))
            message = f"the name `{_RESERVED}` is reserved for Microkit's own protection domain"
            yield fault("SDF023", message, (origin, key), "rename it")


class _Claim(NamedTuple):
    code: str
    space: str
    word: str
    owner: str
    origin: Origin


def _thread_claims(system: System) -> Iterator[_Claim]:
    for kind, name, origin, _ in _threads(system):
        yield _Claim("SDF024", kind, name, f"{kind} `{name}`", origin)
    for pd in system.all_pds():
        owner = f"protection domain `{pd.name}`"
        yield _Claim("SDF025", "object", pd.name, owner, pd.origin)
        if "root_names" in system.dialect.checks:
            yield _Claim("SDF025", "object", f"{pd.name}_root", owner, pd.origin)
    for _, vm in system.vms():
        owner = f"virtual machine `{vm.name}`"
        yield _Claim("SDF025", "object", vm.name, owner, vm.origin)
        yield from (_Claim("SDF025", "object", f"{vm.name}_{vcpu.id}", owner, vm.origin) for vcpu in vm.vcpus)


def _claims(system: System) -> Iterator[_Claim]:
    yield from _thread_claims(system)
    for region in system.regions:
        yield _Claim("SDF024", "memory region", region.name, f"memory region `{region.name}`", region.origin)


def _clashes(claims: Iterator[_Claim], code: str) -> Iterator[tuple[_Claim, _Claim]]:
    """Yield earlier and later claim of one word; two tables that clash in several ways are told once."""
    first: dict[tuple[str, str], _Claim] = {}
    told: set[frozenset[Where]] = set()
    for claim in claims:
        earlier = first.setdefault((claim.space, claim.word), claim)
        if earlier is claim:
            continue
        places = (earlier.origin.at("name"), claim.origin.at("name"))
        if places[0] == places[1]:
            continue
        pair = frozenset(places)
        if pair not in told and claim.code == code:
            yield earlier, claim
        told.add(pair)


@rule(
    "SDF024", "names are unique among protection domains, virtual machines and memory regions", Stage.NAMES, twice=True
)
def unique(system: System) -> Iterator[Fault]:
    """Maps, channels and setvars refer by name, so a name must lead to one thing; generated ones count too.

    Nothing refers to a virtual machine: before 2.1.0 Microkit refuses two that are alike to the last byte only.
    """
    for earlier, later in _clashes(_claims(system), "SDF024"):
        message = f"two {later.space}s are called `{later.word}`"
        note, advice = _note(earlier, "the other one is here")
        severity = _of_machines(system, later) if later.space == _VM else "error"
        yield fault("SDF024", message, (later.origin, "name"), advice, [note], severity)


def _of_machines(system: System, later: _Claim) -> str:
    """Return how severe it is that two virtual machines share a name; the VMMs of those that sdfgen makes do so too."""
    machines = [vm for _, vm in system.vms() if vm.name == later.word and not vm.maps]  # a map differs by its place
    kinds = {(vm.priority, vm.budget_us, vm.period_us, tuple(v.id for v in vm.vcpus)) for vm in machines}
    made = any(pd.origin is later.origin for pd in system.all_pds())
    refused = "vm_names" in system.dialect.checks or made or len(kinds) < len(machines)
    return "error" if refused else "warning"


def _note(earlier: _Claim, text: str) -> tuple[tuple[Origin, str, str], str]:
    """Return what is said of the earlier claim, and what to do: what sdfgen made on its own has no key."""
    if not earlier.origin.given("name"):
        return (earlier.origin, "name", f"sdfgen makes {earlier.owner} for this"), "rename this one"
    return (earlier.origin, "name", text), "rename one of them"


@rule("SDF025", "kernel objects get different names", Stage.NAMES)
def objects(system: System) -> Iterator[Fault]:
    """From 2.1.0 Microkit names objects after `PD`, `VM` and `VM_vCPU`, from 2.3.0 `PD_root`; two alike end it."""
    if "object_names" not in system.dialect.checks:
        return
    for earlier, later in _clashes(_thread_claims(system), "SDF025"):
        message = f"{earlier.owner} and {later.owner} both name kernel objects `{later.word}`"
        note, advice = _note(earlier, f"{earlier.owner} is here")
        yield fault("SDF025", message, (later.origin, "name"), advice, [note])
