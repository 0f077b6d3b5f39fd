"""The Microkit version: what it cannot say, and what its stock SDK cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.facts.dialects import SINCE
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import Stage, fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System

SMC_BY_DEFAULT_SINCE = "2.1.0"
"""Kernels of earlier SDKs are built without KernelAllowSMCCalls."""
_FIELDS = {"cap": "caps"}
_ELSEWHERE = {"end.pp", "vcpu.several", "domains"}
"""Not a key of one object: 1.4.1 marks the callee instead of the caller, the others are counted below."""


def knows(system: System, attribute: str) -> bool:
    """Tell whether the system's Microkit version has an attribute of `dialects.SINCE`."""
    return attribute in system.dialect.attributes


class _Use(NamedTuple):
    attribute: str
    what: str
    origin: Origin
    key: str


def _objects(system: System) -> Iterator[tuple[str, str, Any]]:
    for pd in system.all_pds():
        yield "protection_domain", f"protection domain `{pd.name}`", pd
        yield from (("map", f"a map of `{pd.name}`", m) for m in pd.maps)
        yield from (("irq", f"interrupt {irq.irq} of `{pd.name}`", irq) for irq in pd.irqs)
    for _, vm in system.vms():
        yield from (("vcpu", f"vCPU {vcpu.id} of `{vm.name}`", vcpu) for vcpu in vm.vcpus)
    for region in system.regions:
        if region.prefill_made:  # asked for by a subsystem's key, which has a rule of its own
            continue
        yield "memory_region", f"memory region `{region.name}`", region
    for channel in system.channels:
        yield from (("end", f"a channel of `{end.pd}`", end) for end in channel.ends)


def _uses(system: System) -> Iterator[_Use]:
    """Yield whatever the system uses that its Microkit version lacks."""
    missing = SINCE.keys() - system.dialect.attributes
    keys: dict[str, list[str]] = {}
    for attribute in sorted(missing - _ELSEWHERE):
        kind, _, key = attribute.partition(".")
        keys.setdefault(kind, []).append(key)
    for kind, what, thing in _objects(system) if keys else ():
        for key in keys.get(kind, ()):
            field = _FIELDS.get(key, key)
            if getattr(thing, field) != thing._field_defaults[field]:
                yield _Use(f"{kind}.{key}", f"`{_word(thing.origin, key)}` of {what}", thing.origin, key)
    if "domains" in missing and system.domains is not None:
        yield _Use("domains", "`[domains]`", system.domains.origin, "")
    for _, vm in system.vms() if "vcpu.several" in missing else ():
        if len(vm.vcpus) > 1:
            yield _Use("vcpu.several", f"a second vCPU in `{vm.name}`", vm.vcpus[1].origin, "id")


def _word(origin: Origin, key: str) -> str:
    """Return what the author calls a key: the tables of guests and subsystems have words of their own for some."""
    words = [step for step in origin.at(key).path if isinstance(step, str)]
    return words[-1] if origin.given(key) and words else key


@rule("SDF061", "the chosen Microkit version can say it", Stage.VALUES)
def available(system: System) -> Iterator[Fault]:
    """Microkit refuses attributes of later versions, and the system would not be what it was described as without."""
    version = system.dialect.version
    told: set[Where] = set()
    if not system.dialect.pp_on_pd:
        yield from _gone(system)
    for use in _uses(system):
        place = use.origin.at(use.key)
        if place in told:
            continue
        told.add(place)
        since = SINCE[use.attribute]
        message = f"{use.what} needs Microkit {since}, and this description is for {version}"
        other = [(system.origin, "microkit", "the version is chosen here")]
        advice = f'leave it out, or set `microkit = "{since}"` or later'
        yield fault("SDF061", message, (use.origin, use.key), advice, other)


def _gone(system: System) -> Iterator[Fault]:
    """Yield what was of 1.4.1 only."""
    for pd in system.all_pds():
        if pd.pp:
            message = f"`pp` of protection domain `{pd.name}` is of Microkit 1.4.1, and this description is for "
            advice = "leave it out: from 2.0.0 on the callers' ends of channels have it"
            other = [(system.origin, "microkit", "the version is chosen here")]
            yield fault("SDF061", message + system.dialect.version, (pd.origin, "pp"), advice, other)


@rule("SDF062", "only callers can call")
def stray_calls(system: System) -> Iterator[Fault]:
    """Microkit 1.4.1 marks the callee: everybody with a channel to it can call it, `pp` or not."""
    if not system.dialect.pp_on_pd:
        return
    from sdfgen.rules.channels import calls, pairs

    called: dict[str, Origin] = {pd.name: pd.origin for pd in system.all_pds() if pd.pp}
    for caller, callee in calls(system):
        called.setdefault(callee.pd, caller.origin)
    for one, two in pairs(system):
        for end, far in ((one, two), (two, one)):
            if far.pd in called and not end.pp and end.pd != far.pd:
                message = (
                    f"`{end.pd}` will be able to call `{far.pd}`: "
                    f"Microkit {system.dialect.version} cannot tell callers from others"
                )
                other = [(called[far.pd], "pp", f"`{far.pd}` can be called because of this")]
                advice = f"use Microkit {SINCE['end.pp']} or later, or let `{far.pd}` refuse the call"
                yield fault("SDF062", message, (end.origin, "pd"), advice, other, severity="warning")


@rule("SDF063", "virtual machines have a vCPU", Stage.VALUES)
def vcpu(system: System) -> Iterator[Fault]:
    """Nothing would run in it, and Microkit refuses it."""
    for _, vm in system.vms():
        if not vm.vcpus:
            message = f"virtual machine `{vm.name}` has no vCPU"
            yield fault("SDF063", message, (vm.origin, "vcpu"), "add vcpu = [{ id = 0 }]")


@rule("SDF064", "the kernel allows SMC calls")
def smc(system: System) -> Iterator[Fault]:
    """Up to 2.0.1 SDKs hold kernels built without KernelAllowSMCCalls, and the tool refuses `smc` with those."""
    version = system.dialect.version
    if not knows(system, "protection_domain.smc") or system.dialect.at_least(SMC_BY_DEFAULT_SINCE):
        return
    for pd in system.all_pds():
        if pd.smc:
            message = f"`smc` of `{pd.name}`: the kernels of the Microkit {version} SDK are built without it"
            advice = f"build an SDK with KernelAllowSMCCalls, or use Microkit {SMC_BY_DEFAULT_SINCE} or later"
            yield fault("SDF064", message, (pd.origin, "smc"), advice, severity="warning")
