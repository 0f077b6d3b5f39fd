"""Limits of the Microkit tool and its kernel that are not limits of the grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.rules.registry import fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System


@rule("SDF100", "Microkit up to 2.0.1 holds 63 scheduling contexts")
def scheduling_contexts(system: System) -> Iterator[Fault]:
    """Each protection domain and each vCPU has a scheduling context, and the monitor's array holds 64 with its own.

    The tool of these versions panics when it fills the array (seen with 1.4.1 and 2.0.1). Later ones have no such
    array.
    """
    limit = system.dialect.max_scheduling_contexts
    domains = sum(1 for _ in system.all_pds())
    vcpus = sum(len(vm.vcpus) for _, vm in system.vms())
    if limit is not None and domains + vcpus > limit:
        yield fault(
            "SDF100",
            f"{domains} protection domains and {vcpus} vCPUs need {domains + vcpus} scheduling contexts; "
            f"the tool of Microkit {system.dialect.version} panics beyond {limit}",
            (system.origin, "microkit"),
            'use microkit = "2.1.0" or newer, or fewer of them',
        )


@rule("SDF105", "the kernel of Microkit 2.0.1 halts when a virtual machine has used its budget up")
def vm_budget(system: System) -> Iterator[Fault]:
    """Seen in QEMU with the debug kernel: a fault of a vCPU without budget fails an assertion of tcbReleaseEnqueue().

    A release kernel has no assertions, and what it does then is not known. It is a warning since the system file itself
    is correct, and other kernels were not tried.
    """
    if not system.dialect.vm_budget_halts:
        return
    for _, vm in system.vms():
        if vm.budget_us is None or vm.period_us is None or vm.budget_us >= vm.period_us:
            continue
        yield fault(
            "SDF105",
            f"virtual machine `{vm.name}` has {vm.budget_us} us of each {vm.period_us} us; "
            f"the kernel of Microkit {system.dialect.version} was seen to halt when such a budget was used up",
            (vm.origin, "budget"),
            "leave `budget` out, or make it as long as the period; a lower priority restrains the guest as well",
            severity="warning",
        )


@rule("SDF177", "Microkit 2.0.1 takes several vCPUs in its last virtual machine only")
def vcpus_before_the_last(system: System) -> Iterator[Fault]:
    """Its tool counts machines where it must count vCPUs, so that later machines get those of earlier ones.

    The system is packed, and ends at boot: "tcb already has a scheduling context" (seen).
    """
    machines = [vm for _, vm in system.vms()]
    for vm in machines[:-1] if system.dialect.mixes_up_vcpus else ():
        if len(vm.vcpus) > 1:
            message = (
                f"virtual machine `{vm.name}` has {len(vm.vcpus)} vCPUs and `{machines[-1].name}` follows it; "
                f"the tool of Microkit {system.dialect.version} gives that one wrong ones, and nothing starts"
            )
            other = ((machines[-1].origin, "name", "the last machine of the system file"),)
            yield fault("SDF177", message, (vm.origin, "cpus"), 'use microkit = "2.1.0" or newer', other)
