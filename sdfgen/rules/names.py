"""Names: spelling, length, and who may not share one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sdfgen.facts.dialects import NAME_BYTES
from sdfgen.rules.registry import fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block

_SPELLING = re.compile(r"[A-Za-z0-9_-]+")
_RESERVED = "monitor"


class _Named(NamedTuple):
    kind: str
    name: str
    origin: Origin
    key: str = "name"


def _threads(system: System) -> Iterator[_Named]:
    """Yield virtual machines first: of two names made from one table, theirs is the one the author wrote."""
    yield from (_Named("virtual machine", vm.name, vm.origin) for _, vm in system.vms())
    yield from (_Named("protection domain", pd.name, pd.origin) for pd in system.all_pds())


def _named(system: System) -> Iterator[_Named]:
    yield _Named("system", system.name, system.origin)
    yield from _threads(system)
    yield from (_Named("memory region", region.name, region.origin) for region in system.regions)
    if system.domains is not None:
        yield from (_Named("domain", name, system.domains.origin, "names") for name in system.domains.names)


@rule("SDF020", "names are made of letters, digits, _ and -")
def spelling(system: System) -> Iterator[Fault]:
    """Names go into XML, file names, C identifiers and capDL object names; other characters break one of them."""
    told: set[tuple[int, str]] = set()
    for kind, name, origin, key in _named(system):
        place = (id(origin), key)
        if not _SPELLING.fullmatch(name) and place not in told:
            told.add(place)
            message = f"name {name!r} of a {kind} has other characters than A-Z a-z 0-9 _ -"
            better = "".join(c if _SPELLING.fullmatch(c) else "_" for c in name)
            yield fault("SDF020", message, (origin, key), f"rename it, for example to `{better}`")


@rule("SDF021", "names of protection domains and virtual machines have at most 63 bytes")
def length(system: System) -> Iterator[Fault]:
    """Microkit keeps 64 bytes with the terminator and cuts longer names without a word."""
    told: set[int] = set()
    for kind, name, origin, key in _threads(system):
        size = len(name.encode(errors="replace"))
        if size > NAME_BYTES and id(origin) not in told:
            told.add(id(origin))
            message = f"name {name!r} of a {kind} has {size} bytes; {NAME_BYTES} fit"
            yield fault("SDF021", message, (origin, key), "shorten it")


@rule("SDF022", "names of protection domains are not cut")
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
            yield fault("SDF022", message, (pd.origin, "name"), f"use at most {fit} bytes", severity="warning")


@rule("SDF023", "no protection domain is named `monitor`")
def reserved(system: System) -> Iterator[Fault]:
    """Microkit adds a protection domain of that name; 2.1.0 refuses another, earlier versions confuse the two."""
    for pd in system.all_pds():
        if pd.name == _RESERVED:
            message = f"the name `{_RESERVED}` is reserved for Microkit's own protection domain"
            yield fault("SDF023", message, (pd.origin, "name"), "rename it")


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
        yield _Claim("SDF025", "object", f"{pd.name}_root", owner, pd.origin)
    for _, vm in system.vms():
        owner = f"virtual machine `{vm.name}`"
        yield _Claim("SDF025", "object", vm.name, owner, vm.origin)
        yield from (_Claim("SDF025", "object", f"{vm.name}_{vcpu.id}", owner, vm.origin) for vcpu in vm.vcpus)


def _claims(system: System) -> Iterator[_Claim]:
    yield from _thread_claims(system)
    if system.block is not None:
        yield from _c_claims(system, system.block)
    for region in system.regions:
        yield _Claim("SDF024", "memory region", region.name, f"memory region `{region.name}`", region.origin)


def _c_claims(system: System, block: Block) -> Iterator[_Claim]:
    """Yield the C variables; their clashes are told by a rule of the block subsystem, and not again by region."""
    virt = system.region_index().get(block.virt_data_region)
    if virt is not None:
        yield _Claim("SDF088", "C", block.virt_io_symbol, f"virtualiser `{block.virt}`", virt.origin)
    for client in block.clients:
        yield _Claim("SDF088", "C", client.io_symbol, f"block client `{client.name}`", client.origin)


def _clashes(claims: Iterator[_Claim], code: str) -> Iterator[tuple[_Claim, _Claim]]:
    """Yield earlier and later claim of one word; two tables that clash in several ways are told once."""
    first: dict[tuple[str, str], _Claim] = {}
    told: set[frozenset[int]] = set()
    for claim in claims:
        earlier = first.setdefault((claim.space, claim.word), claim)
        if earlier.origin is claim.origin:
            continue
        pair = frozenset((id(earlier.origin), id(claim.origin)))
        if pair not in told and claim.code == code:
            yield earlier, claim
        told.add(pair)


@rule("SDF024", "names are unique among protection domains, virtual machines and memory regions")
def unique(system: System) -> Iterator[Fault]:
    """Maps, channels and setvars refer by name, so a name must lead to one thing; generated ones count too."""
    for earlier, later in _clashes(_claims(system), "SDF024"):
        message = f"two {later.space}s are called `{later.word}`"
        note, advice = _note(system, earlier, "the other one is here")
        yield fault("SDF024", message, (later.origin, "name"), advice, [note])


def _note(system: System, earlier: _Claim, text: str) -> tuple[tuple[Origin, str, str], str]:
    """Return what is said of the earlier claim, and what to do: one that the block subsystem made has no key."""
    if system.block is not None and earlier.origin is system.block.origin:
        return (earlier.origin, "name", f"every block subsystem has a {earlier.owner}"), "rename this one"
    return (earlier.origin, "name", text), "rename one of them"


@rule("SDF025", "kernel objects get different names")
def objects(system: System) -> Iterator[Fault]:
    """From 2.1.0 Microkit names objects after `PD`, `PD_root`, `VM` and `VM_vCPU`, and aborts when two are equal."""
    for earlier, later in _clashes(_thread_claims(system), "SDF025"):
        message = f"{earlier.owner} and {later.owner} both name kernel objects `{later.word}`"
        note, advice = _note(system, earlier, f"{earlier.owner} is here")
        yield fault("SDF025", message, (later.origin, "name"), advice, [note])
