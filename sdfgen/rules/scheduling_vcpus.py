"""Virtual CPUs: those of one virtual machine run on cores of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.dialects import MAX_VMS
from sdfgen.rules.registry import fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Vcpu, VirtualMachine
    from sdfgen.model.system import System


@rule("SDF176", "virtual CPUs of one machine run on cores of their own")
def vcpus_apart(system: System) -> Iterator[Fault]:
    """A kernel that waits for a lock spins: on one core it does so until the one that holds it has its turn again.

    It works, and is slower than one virtual CPU.
    """
    count = sum(len(vm.vcpus) for _, vm in system.vms())
    for pd, vm in system.vms() if count <= MAX_VMS else ():  # others are too many in any place, which SDF027 tells
        first: dict[int, Vcpu] = {}
        for vcpu, core in zip(vm.vcpus, system.vcpu_cores(pd), strict=True):
            other = first.setdefault(core, vcpu)
            if other is not vcpu:
                yield _shared(system, vm, other, vcpu, core)
                break


def _shared(system: System, vm: VirtualMachine, one: Vcpu, two: Vcpu, core: int) -> Fault:
    cores = system.core_count
    message = (
        f"vCPUs {one.id} and {two.id} of `{vm.name}` share core {core}: one waits for locks of the other, "
        "which cannot run meanwhile"
    )
    if cores == 1:
        advice = "use an smp configuration, or one vCPU"
    elif len(vm.vcpus) > cores:
        advice = f"use at most {cores}, one for each core"
    else:
        advice = "give each a core of its own"
    place = (two.origin, "cpu" if two.origin.given("cpu") else "id")
    other = [(one.origin, "cpu", f"vCPU {one.id} is there too")] if one.origin.at("cpu") != two.origin.at("cpu") else []
    return fault("SDF176", message, place, advice, other, severity="warning")
