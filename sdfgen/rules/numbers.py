"""Numbers: counts, ids, priorities, budgets, stacks, interrupts and cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.board_tables import FIRST_SPI_INTID
from sdfgen.facts.dialects import (
    MAX_ID,
    MAX_PDS,
    MAX_PRIORITY,
    MAX_VMS,
    STACK_MAX_BYTES,
    STACK_MIN_BYTES,
)
from sdfgen.faults.fault import suggestion
from sdfgen.rules.dialect import knows
from sdfgen.rules.registry import fault, rule
from sdfgen.spec.microkit import VirtualMachineTable
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Channel, Irq, Origin, ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System

_TRIGGERS = ("level", "edge")


def vm_key(vm: VirtualMachine, key: str) -> str:
    """Return where the author sets a virtual machine's key: a guest's table has its VMM's keys too."""
    return key if isinstance(vm.origin, VirtualMachineTable) else f"vm_{key}"


@rule("SDF027", "a system has 1 to 63 protection domains and at most 63 vCPUs")
def counts(system: System) -> Iterator[Fault]:
    """Microkit's monitor keeps tables of 64 entries, one of them its own."""
    pds = list(system.all_pds())
    if not pds:
        message = "the system has no protection domain"
        found = fault("SDF027", message, (system.origin, ""), "add [[protection_domain]] or [block]")
        whole = found.where._replace(path=())
        yield found._replace(where=whole, span=found.where.span)
    if len(pds) > MAX_PDS:
        message = f"{len(pds)} protection domains; Microkit has room for {MAX_PDS}"
        yield fault("SDF027", message, (pds[MAX_PDS].origin, "name"), "remove protection domains from here on")
    vcpus = [vcpu for _, vm in system.vms() for vcpu in vm.vcpus]
    if len(vcpus) > MAX_VMS:
        message = f"{len(vcpus)} vCPUs; Microkit has room for {MAX_VMS}"
        yield fault("SDF027", message, (vcpus[MAX_VMS].origin, "id"), "remove vCPUs from here on")


def _ids(system: System) -> Iterator[tuple[str, int, Origin]]:
    for pd in system.all_pds():
        yield from ((f"channel id {i.id} of interrupt {i.irq}", i.id, i.origin) for i in pd.irqs)
        yield from ((f"id {c.id} of child `{c.name}`", c.id, c.origin) for c in pd.children if c.id is not None)
    for _, vm in system.vms():
        yield from ((f"vCPU id {v.id} of `{vm.name}`", v.id, v.origin) for v in vm.vcpus)
    for channel in system.channels:
        yield from ((f"channel id {e.id} of `{e.pd}`", e.id, e.origin) for e in channel.ends)


@rule("SDF028", "ids are 0 to 61")
def ids(system: System) -> Iterator[Fault]:
    """An id is a bit of a 64-bit badge whose two highest bits mark calls and faults; the tool checks channels only."""
    for what, number, origin in _ids(system):
        if not 0 <= number <= MAX_ID:
            yield fault("SDF028", f"{what} is not in 0 to {MAX_ID}", (origin, "id"), f"use 0 to {MAX_ID}")


@rule("SDF029", "channels and interrupts of a protection domain have different ids")
def channel_ids(system: System) -> Iterator[Fault]:
    """`notified(ch)` gets nothing but the id: two sources with the same one could not be told apart."""
    first: dict[tuple[str, int], tuple[str, Origin, Channel | None]] = {}
    for pd, number, what, origin, channel in _sources(system):
        if not 0 <= number <= MAX_ID:
            continue
        taken, at, by = first.setdefault((pd, number), (what, origin, channel))
        if at is origin or (channel is not None and channel is by):
            continue
        message = f"id {number} of `{pd}` is given to {_both(taken, what)}"
        other = [(at, "id", f"{taken} has it here")]
        yield fault("SDF029", message, (origin, "id"), "give one of them another id", other)


def _sources(system: System) -> Iterator[tuple[str, int, str, Origin, Channel | None]]:
    for pd in system.all_pds():
        yield from ((pd.name, irq.id, f"interrupt {irq.irq}", irq.origin, None) for irq in pd.irqs)
    known = {pd.name for pd in system.all_pds()}
    for channel in system.channels:
        names = [end.pd for end in channel.ends]
        for number, end in enumerate(channel.ends):
            if end.pd in known:
                far = ", ".join(f"`{name}`" for name in names[:number] + names[number + 1 :])
                yield end.pd, end.id, f"the channel with {far}", end.origin, channel


@rule("SDF030", "children and vCPUs of a protection domain have different ids")
def child_ids(system: System) -> Iterator[Fault]:
    """`fault(child, …)` gets nothing but the id, and both kinds arrive there."""
    for pd in system.all_pds():
        first: dict[int, tuple[str, Origin]] = {}
        for number, what, origin in _faulting(pd):
            taken, at = first.setdefault(number, (what, origin))
            if at is origin or not 0 <= number <= MAX_ID:
                continue
            message = f"id {number} of `{pd.name}` is given to {_both(taken, what)}"
            other = [(at, "id", f"{taken} has it here")]
            yield fault("SDF030", message, (origin, "id"), "give one of them another id", other)


def _both(one: str, two: str) -> str:
    return f"{one} and to {'another' if one == two else two}"


def _faulting(pd: ProtectionDomain) -> Iterator[tuple[int, str, Origin]]:
    if pd.vm is not None:
        yield from ((vcpu.id, f"a vCPU of `{pd.vm.name}`", vcpu.origin) for vcpu in pd.vm.vcpus)
    yield from ((c.id, f"child `{c.name}`", c.origin) for c in pd.children if c.id is not None)


@rule("SDF031", "nested protection domains have an id, others have none")
def nested_id(system: System) -> Iterator[Fault]:
    """The id tells a parent which child faulted; without a parent there is nobody to tell."""
    for pd in system.all_pds():
        if pd.parent is not None and pd.id is None:
            message = f"child `{pd.name}` of `{pd.parent}` has no id"
            yield fault("SDF031", message, (pd.origin, "id"), f"add `id`, 0 to {MAX_ID}")
        for key in ("id", "setvar_id") if pd.parent is None else ():
            if getattr(pd, key) is not None:
                message = f"`{key}` on `{pd.name}`, which is not nested in another protection domain"
                yield fault("SDF031", message, (pd.origin, key), "leave it out, or nest the protection domain")


@rule("SDF032", "priorities are 0 to 254")
def priority(system: System) -> Iterator[Fault]:
    """255 is the monitor's. Microkit does not check virtual machines and keeps the lowest 8 bits: 300 runs at 44."""
    pds = ((f"`{pd.name}`", pd.priority, pd.origin, "priority") for pd in system.all_pds())
    vms = ((f"virtual machine `{vm.name}`", vm.priority, vm.origin, vm_key(vm, "priority")) for _, vm in system.vms())
    for what, value, origin, key in (*pds, *vms):
        if not 0 <= value <= MAX_PRIORITY:
            message = f"priority {value} of {what} is not in 0 to {MAX_PRIORITY}"
            yield fault("SDF032", message, (origin, key), f"use 0 to {MAX_PRIORITY}")


@rule("SDF033", "0 < budget <= period")
def budget(system: System) -> Iterator[Fault]:
    """Whoever has no budget never runs; the kernel refuses a budget that is longer than the period it is for."""
    for pd in system.all_pds():
        yield from _budget(f"`{pd.name}`", pd, ("budget", "period"))
    for _, vm in system.vms():
        yield from _budget(f"virtual machine `{vm.name}`", vm, (vm_key(vm, "budget"), vm_key(vm, "period")))


def _budget(what: str, thread: ProtectionDomain | VirtualMachine, keys: tuple[str, str]) -> Iterator[Fault]:
    origin, budget, period = thread.origin, thread.budget_us, thread.period_us
    for key, value in zip(keys, (budget, period), strict=True):
        if value is not None and value < 1:
            yield fault("SDF033", f"{key} {value} of {what} is not above 0", (origin, key), "give it at least 1 us")
            return
    if budget is None or period is None or budget <= period:
        return
    if not origin.given(keys[0]):
        message = f"period {period} us of {what} is shorter than the budget, which is {budget} us when left out"
        yield fault("SDF033", message, (origin, keys[1]), f"add `{keys[0]}`, or a longer period")
        return
    message = f"budget {budget} us of {what} is longer than its period {period} us"
    other = [(origin, keys[1], "the period is here")]
    yield fault("SDF033", message, (origin, keys[0]), "give it a longer period", other)


@rule("SDF034", "stacks have 4 KiB to 16 MiB, in whole pages")
def stack(system: System) -> Iterator[Fault]:
    """Microkit maps the stack page by page and refuses other sizes."""
    for pd in system.all_pds():
        size = pd.stack_size_bytes
        if size is None or (STACK_MIN_BYTES <= size <= STACK_MAX_BYTES and size % PAGE_BYTES == 0):
            continue
        inside = STACK_MIN_BYTES <= size <= STACK_MAX_BYTES
        limit = f"a multiple of {PAGE_BYTES:#x}" if inside else f"in {STACK_MIN_BYTES:#x} to {STACK_MAX_BYTES:#x}"
        message = f"stack size {size:#x} of `{pd.name}` is not {limit}"
        yield fault("SDF034", message, (pd.origin, "stack_size"), "use whole 4 KiB pages, 16 MiB at most")


def _irqs(system: System) -> Iterator[tuple[ProtectionDomain, Irq]]:
    for pd in system.all_pds():
        for irq in pd.irqs:
            yield pd, irq


@rule("SDF035", "interrupt numbers are shared ones that the kernel handles")
def irq_number(system: System) -> Iterator[Fault]:
    """Microkit checks no bounds: the kernel refuses a number beyond its last at boot, and 0 to 31 are per core."""
    last, timer = system.board.facts.board.irq_max, system.board.facts.timer
    for pd, irq in _irqs(system):
        if FIRST_SPI_INTID <= irq.irq <= last or (timer and irq.irq == timer.intid):
            continue
        why = f"board `{system.board.name}` has {FIRST_SPI_INTID} to {last}"
        if 0 <= irq.irq < FIRST_SPI_INTID:
            why = f"0 to {FIRST_SPI_INTID - 1} are private to a core"
        message = f"interrupt {irq.irq} of `{pd.name}` cannot be handed out: {why}"
        yield fault("SDF035", message, (irq.origin, "irq"), "count as the GIC does: SPI number + 32")


@rule("SDF036", "an interrupt has one receiver")
def irq_unique(system: System) -> Iterator[Fault]:
    """The kernel hands out one handler per interrupt."""
    first: dict[int, tuple[ProtectionDomain, Irq]] = {}
    for pd, irq in _irqs(system):
        holder, earlier = first.setdefault(irq.irq, (pd, irq))
        if earlier is not irq:
            message = f"interrupt {irq.irq} goes to `{holder.name}` and to `{pd.name}`"
            key = "irq" if earlier.origin.given("irq") else "devices"
            other = [(earlier.origin, key, f"`{holder.name}` receives it here")]
            yield fault("SDF036", message, (irq.origin, "irq"), "let one of them receive it", other)


@rule("SDF037", "interrupts are triggered by level or edge")
def trigger(system: System) -> Iterator[Fault]:
    """Microkit knows these two words."""
    for _, irq in _irqs(system):
        if irq.trigger not in _TRIGGERS:
            message = f"trigger {irq.trigger!r} is not `level` or `edge`{suggestion(irq.trigger, _TRIGGERS)}"
            yield fault("SDF037", message, (irq.origin, "trigger"), "write `level` or `edge`")


@rule("SDF038", "cores exist in the configuration")
def cores(system: System) -> Iterator[Fault]:
    """Only smp configurations start more than the first core."""
    count = system.board.cores(system.config)
    cores_text = f"cores 0 to {count - 1}" if count > 1 else "core 0 only"
    users = [(f"`{pd.name}`", pd.cpu, pd.origin) for pd in system.all_pds()]
    users += [(f"vCPU {v.id} of `{vm.name}`", v.cpu, v.origin) for _, vm in system.vms() for v in vm.vcpus]
    for what, cpu, origin in users if knows(system, "protection_domain.cpu") else ():
        if cpu is not None and not 0 <= cpu < count:
            message = f"core {cpu} of {what}, but `{system.config}` runs on {cores_text}"
            advice = "use a lower number" if count > 1 else "use an smp configuration, or leave it out"
            yield fault("SDF038", message, (origin, "cpu"), advice, [(system.origin, "config", "the configuration")])
