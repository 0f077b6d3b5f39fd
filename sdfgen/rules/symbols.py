"""Symbols: what Microkit writes into program images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.rules.dialect import knows
from sdfgen.rules.maps import mapped
from sdfgen.rules.registry import Stage, fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Map, Origin
    from sdfgen.model.system import System

MAP_KEYS = ("setvar_vaddr", "setvar_size", "setvar_prefill_size")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _of_map(m: Map) -> Iterator[tuple[str, str]]:
    """Yield key and symbol of a map's setvars."""
    for key, symbol in zip(MAP_KEYS, (m.setvar_vaddr, m.setvar_size, m.setvar_prefill_size), strict=True):
        if symbol is not None:
            yield key, symbol


def symbols(system: System) -> Iterator[tuple[str, str, Origin, str]]:
    """Yield protection domain, symbol and place of everything that is written into images."""
    for pd in system.all_pds():
        for m in pd.maps:
            if m.setvar_vaddr or m.setvar_size or m.setvar_prefill_size:
                yield from ((pd.name, symbol, m.origin, key) for key, symbol in _of_map(m))
        yield from ((pd.name, irq.setvar_id, irq.origin, "setvar_id") for irq in pd.irqs if irq.setvar_id is not None)
        yield from ((pd.name, setvar.symbol, setvar.origin, "symbol") for setvar in pd.setvars)
        for child in pd.children:
            if child.setvar_id is not None:
                yield pd.name, child.setvar_id, child.origin, "setvar_id"
    for channel in system.channels:
        for end in channel.ends:
            if end.setvar_id is not None:
                yield end.pd, end.setvar_id, end.origin, "setvar_id"


@rule("SDF053", "a symbol is written once", Stage.VALUES)
def once(system: System) -> Iterator[Fault]:
    """Of two values for one symbol of an image, one would be lost. A child's id goes into its parent's image."""
    first: dict[tuple[str, str], tuple[Origin, str]] = {}
    for pd, symbol, origin, key in symbols(system):
        at, earlier_key = first.setdefault((pd, symbol), (origin, key))
        if at is not origin or earlier_key != key:
            message = f"symbol `{symbol}` of `{pd}` is written twice"
            other = [(at, earlier_key, "it is written here too")]
            yield fault("SDF053", message, (origin, key), "use one symbol for each value", other)


@rule("SDF054", "symbols are C identifiers")
def identifier(system: System) -> Iterator[Fault]:
    """A symbol is found by its name in the image's symbol table, where other languages put other names as well."""
    for pd, symbol, origin, key in symbols(system):
        if not _IDENTIFIER.fullmatch(symbol):
            message = f"symbol {symbol!r} of `{pd}` is no C identifier"
            yield fault("SDF054", message, (origin, key), "use letters, digits and _, no digit first", severity="note")


@rule("SDF055", "nothing of a virtual machine goes into a symbol")
def of_guest(system: System) -> Iterator[Fault]:
    """Microkit refuses setvars on a guest's maps, and never acts on those of a vCPU."""
    for _, vm in system.vms():
        for m in vm.maps:
            for key, _ in _of_map(m):
                message = f"`{key}` on a map of virtual machine `{vm.name}`, which has no image to write to"
                yield fault("SDF055", message, (m.origin, key), "put it on a map of a protection domain")
        for vcpu in vm.vcpus if knows(system, "vcpu.setvar_id") else ():
            if vcpu.setvar_id is not None:
                message = f"`setvar_id` on vCPU {vcpu.id} of `{vm.name}`: Microkit accepts it and never writes it"
                yield fault("SDF055", message, (vcpu.origin, "setvar_id"), "leave it out", severity="warning")


@rule("SDF056", "`setvar_prefill_size` stands on maps of prefilled regions")
def prefill_size(system: System) -> Iterator[Fault]:
    """What it writes is the length of the region's prefill file."""
    for found in mapped(system) if knows(system, "map.setvar_prefill_size") else ():
        m, region = found.map, found.region
        if m.setvar_prefill_size is not None and region.prefill_path is None and not found.space.guest:
            message = f"`setvar_prefill_size` on a map of `{m.region}`, which has no `prefill_path`"
            other = [(region.origin, "name", f"`{m.region}` is here")]
            yield fault("SDF056", message, (m.origin, "setvar_prefill_size"), "use `setvar_size`", other)
