"""Numbers: counts, ids, priorities, budgets, stacks, interrupts and cores."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sdfgen.facts.board_tables import FIRST_SPI_INTID, LAST_SPI_INTID
from sdfgen.facts.dialects import (
    CHILD_ID_MASK,
    KERNEL_PPIS,
    LAST_SGI,
    MAX_CHILD_ID,
    MAX_ID,
    MAX_PDS,
    MAX_PRIORITY,
    MAX_VMS,
    MIN_BUDGET_US,
    STACK_MAX_BYTES,
    STACK_MIN_BYTES,
)
from sdfgen.faults.fault import suggestion
from sdfgen.rules.dialect import knows
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import Channel, Irq, Origin, ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System

_TRIGGERS = ("level", "edge")


@rule("SDF027", "a system has 1 to 63 protection domains and at most 63 vCPUs", Stage.VALUES)
def counts(system: System) -> Iterator[Fault]:
    """Microkit's monitor keeps tables of 64 entries, one of them its own."""
    pds = list(system.all_pds())
    if not pds:
        message = "the system has no protection domain"
        found = fault("SDF027", message, (system.origin, ""), "add [[protection_domain]] or [[guest]]")
        whole = found.where._replace(path=())
        yield found._replace(where=whole, span=found.where.span)
    if len(pds) > MAX_PDS:
        message = f"{len(pds)} protection domains; Microkit has room for {MAX_PDS}"
        yield fault("SDF027", message, (pds[MAX_PDS].origin, "name"), "leave some of them out")
    vcpus = [vcpu for _, vm in system.vms() for vcpu in vm.vcpus]
    if len(vcpus) > MAX_VMS:
        message = f"{len(vcpus)} vCPUs; Microkit has room for {MAX_VMS}"
        yield fault("SDF027", message, (vcpus[MAX_VMS].origin, "id"), "leave some of them out")


def _ids(system: System) -> Iterator[tuple[str, str, int, Origin]]:
    for pd in system.all_pds():
        yield from ((pd.name, f"channel id {i.id} of interrupt {i.irq}", i.id, i.origin) for i in pd.irqs)
    for pd, vm in system.vms():
        yield from ((pd.name, f"vCPU id {v.id} of `{vm.name}`", v.id, v.origin) for v in vm.vcpus)
    for channel in system.channels:
        yield from ((e.pd, f"channel id {e.id} of `{e.pd}`", e.id, e.origin) for e in channel.ends)


@rule("SDF028", "ids are 0 to 61", Stage.VALUES)
def ids(system: System) -> Iterator[Fault]:
    """An id is a bit of a 64-bit badge whose two highest bits mark calls and faults.

    Nobody checks a child's, which is a number there: above 63 it takes the slot of a vCPU, above 255 it is cut.
    """
    overfull: dict[str, list[Origin]] = {}
    for pd_name, what, number, origin in _ids(system):
        if number > MAX_ID and not origin.given("id"):
            overfull.setdefault(pd_name, []).append(origin)
        elif not 0 <= number <= MAX_ID:
            yield fault("SDF028", f"{what} is not in 0 to {MAX_ID}", (origin, "id"), f"use 0 to {MAX_ID}")
    for pd_name, origins in overfull.items():
        has, extra = MAX_ID + 1, len(origins)
        message = f"`{pd_name}` needs {has + extra} channel and interrupt ids; a protection domain has {has}"
        yield fault("SDF028", message, (origins[0], "id"), f"leave {extra} of its channels or interrupts out")
    for pd in system.all_pds():
        if pd.parent is not None and pd.id is not None and not 0 <= pd.id <= MAX_ID:
            what, severity = _child_id(pd.id)
            message = f"id {pd.id} of child `{pd.name}` {what}"
            yield fault("SDF028", message, (pd.origin, "id"), f"use 0 to {MAX_ID}", severity=severity)


def _child_id(number: int) -> tuple[str, str]:
    """Return what comes of an id that a child should not have, and how severe that is."""
    if not 0 <= number <= CHILD_ID_MASK:
        return f"is not in 0 to {MAX_ID}", "error"
    if number > MAX_CHILD_ID:
        return f"takes the slot of vCPU {number - MAX_CHILD_ID - 1}", "warning"
    return f"is above {MAX_ID}, where all other kinds of ids end", "note"


@rule("SDF029", "channels and interrupts of a protection domain have different ids", Stage.VALUES)
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
    known = Counter(pd.name for pd in system.all_pds())
    for channel in system.channels:
        names = [end.pd for end in channel.ends]
        for number, end in enumerate(channel.ends):
            if known[end.pd] == 1:  # of two with one name nobody can tell whose id it is
                far = ", ".join(f"`{name}`" for name in names[:number] + names[number + 1 :])
                yield end.pd, end.id, f"the channel with {far}", end.origin, channel


@rule("SDF030", "children and vCPUs of a protection domain have different ids", Stage.VALUES)
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


@rule("SDF031", "nested protection domains have an id, others have none", Stage.VALUES)
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


@rule("SDF032", "priorities are 0 to 254", Stage.VALUES)
def priority(system: System) -> Iterator[Fault]:
    """255 is the monitor's, which a virtual machine may share. No check of Microkit's keeps one from more.

    It keeps the lowest 8 bits of them: 300 runs at 44.
    """
    threads: list[tuple[str, ProtectionDomain | VirtualMachine, int]]
    threads = [(f"`{pd.name}`", pd, MAX_PRIORITY) for pd in system.all_pds()]
    threads += [(f"virtual machine `{vm.name}`", vm, MAX_PRIORITY + 1) for _, vm in system.vms()]
    for what, thread, last_accepted in threads:
        if not 0 <= thread.priority <= MAX_PRIORITY:
            message = f"priority {thread.priority} of {what} is not in 0 to {MAX_PRIORITY}"
            severity = "warning" if 0 <= thread.priority <= last_accepted else "error"
            place = (thread.origin, "priority")
            yield fault("SDF032", message, place, f"use 0 to {MAX_PRIORITY}", severity=severity)


@rule("SDF033", "20 us <= budget <= period", Stage.VALUES)
def budget(system: System) -> Iterator[Fault]:
    """The tool refuses a budget that is longer than its period, the kernel one of less than 20 us, at boot."""
    for pd in system.all_pds():
        yield from _budget(f"`{pd.name}`", pd, ("budget", "period"))
    for _, vm in system.vms():
        yield from _budget(f"virtual machine `{vm.name}`", vm, ("budget", "period"))


def _budget(what: str, thread: ProtectionDomain | VirtualMachine, keys: tuple[str, str]) -> Iterator[Fault]:
    origin, budget, period = thread.origin, thread.budget_us, thread.period_us
    for key, value in zip(keys, (budget, period), strict=True):
        if value is not None and value < MIN_BUDGET_US:
            message = f"{key} {value} us of {what} is less than the {MIN_BUDGET_US} us that the kernel asks for"
            yield fault("SDF033", message, (origin, key), f"give it at least {MIN_BUDGET_US} us")
            return
    if budget is None or period is None or budget <= period:
        return
    if not origin.given(keys[0]):
        message = f"period {period} us of {what} is shorter than the budget, which is {budget} us when left out"
        yield fault("SDF033", message, (origin, keys[1]), f"add `{keys[0]}`, or a longer period")
        return
    message = f"budget {budget} us of {what} is longer than its period {period} us"
    other = [(origin, keys[1], "the period is here")]
    yield fault("SDF033", message, (origin, keys[0]), "give it a longer period, or a smaller budget", other)


@rule("SDF034", "stacks have 4 KiB to 16 MiB, in whole pages", Stage.VALUES)
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


@rule("SDF035", "interrupt numbers are those that the kernel hands out", Stage.VALUES, on_board=True)
def irq_number(system: System) -> Iterator[Fault]:
    """Microkit checks no bounds: the kernel refuses a number beyond its last, or one of its own, at boot.

    0 to 15 are no device's: they are handed out, and never come. 16 to 31 are private to each core, and come from the
    core that Microkit asks for them.
    """
    timer = system.board.facts.timer
    for pd, irq in _irqs(system):
        if timer is not None and irq.irq == timer.intid:
            continue
        why = _why_not(system, irq.irq)
        if why:
            message = f"interrupt {irq.irq} of `{pd.name}` cannot be handed out: {why}"
            yield fault("SDF035", message, (irq.origin, "irq"), "count as the GIC does: SPI number + 32")
        elif irq.irq < FIRST_SPI_INTID:
            yield _of_no_spi(pd, irq)


def _of_no_spi(pd: ProtectionDomain, irq: Irq) -> Fault:
    """Tell what an interrupt is that is handed out, and no device's that all cores share."""
    if irq.irq <= LAST_SGI:
        said, severity = f"never comes: 0 to {LAST_SGI} are sent by software, there is no device behind them", "warning"
    else:
        said, severity = "is private to a core: each core has its own", "note"
    advice = "shared ones are counted from 32: SPI number + 32"
    message = f"interrupt {irq.irq} of `{pd.name}` {said}"
    return fault("SDF035", message, (irq.origin, "irq"), advice, severity=severity)


def _why_not(system: System, number: int) -> str:
    """Return why the kernel hands an interrupt to nobody; nothing when it does."""
    known = system.board.facts.board.irq_max
    last = LAST_SPI_INTID if known is None else known
    if not 0 <= number <= last:
        return f"board `{system.board.name}` has {FIRST_SPI_INTID} to {last}"
    return f"it is {KERNEL_PPIS[number]}, which the kernel keeps" if number in KERNEL_PPIS else ""


@rule("SDF036", "an interrupt has one receiver", Stage.VALUES)
def irq_unique(system: System) -> Iterator[Fault]:
    """The kernel hands out one handler per interrupt."""
    first: dict[int, tuple[ProtectionDomain, Irq]] = {}
    for pd, irq in _irqs(system):
        holder, earlier = first.setdefault(irq.irq, (pd, irq))
        if earlier.origin is not irq.origin:
            message = f"interrupt {irq.irq} goes to `{holder.name}` and to `{pd.name}`"
            key = "irq" if earlier.origin.given("irq") else "devices"
            other = [(earlier.origin, key, f"`{holder.name}` receives it here")]
            yield fault("SDF036", message, (irq.origin, "irq"), "let one of them receive it", other)


@rule("SDF037", "interrupts are triggered by level or edge", Stage.VALUES)
def trigger(system: System) -> Iterator[Fault]:
    """Microkit knows these two words."""
    for _, irq in _irqs(system):
        if irq.trigger not in _TRIGGERS:
            message = f"trigger {irq.trigger!r} is not `level` or `edge`{suggestion(irq.trigger, _TRIGGERS)}"
            yield fault("SDF037", message, (irq.origin, "trigger"), "write `level` or `edge`")


@rule("SDF038", "cores exist in the configuration", Stage.VALUES, on_board=True)
def cores(system: System) -> Iterator[Fault]:
    """Only smp configurations start more than the first core."""
    count = system.core_count
    cores_text = f"cores 0 to {count - 1}" if count > 1 else "core 0 only"
    users = [(f"vCPU {v.id} of `{vm.name}`", v.cpu, v.origin) for _, vm in system.vms() for v in vm.vcpus]
    users += [(f"`{pd.name}`", pd.cpu, pd.origin) for pd in system.all_pds()]
    told: set[Where] = set()
    for what, cpu, origin in users if knows(system, "protection_domain.cpu") else ():
        place = origin.at("cpu")
        if cpu is not None and not 0 <= cpu < count and place not in told:
            told.add(place)
            message = f"core {cpu} of {what}, but `{system.config}` runs on {cores_text}"
            advice = f"use 0 to {count - 1}" if count > 1 else "use an smp configuration, or leave it out"
            yield fault("SDF038", message, (origin, "cpu"), advice, [(system.origin, "config", "the configuration")])
