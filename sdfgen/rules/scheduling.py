"""Scheduling: nobody who may misbehave can keep those from running through whom others' requests go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.dialects import MAX_PRIORITY
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Origin, ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System

_ROUNDING = 1e-9


class _Thread(NamedTuple):
    """Whatever the kernel schedules: a protection domain or a virtual machine.

    Attributes:
        name: Its name.
        priority: Its priority.
        share: The part of its core that its budget lets it take, 1 for all.
        place: The key of its priority.
        trusted: It runs our code, not a guest's or a stranger's.
        machine: It is a virtual machine.
        cores: The core that it runs on, or one for each virtual CPU; each of these has the share.
        domain: The scheduling domain it runs in.
    """

    name: str
    priority: int
    share: float
    place: tuple[Origin, str]
    trusted: bool
    machine: bool
    cores: tuple[int, ...]
    domain: str | None

    def share_of(self, core: int) -> float:
        """Return the part of one core that it can take."""
        return self.share * self.cores.count(core)


def _share(budget_us: int | None, period_us: int | None) -> float:
    if budget_us is None or period_us is None:
        return 1.0
    return budget_us / period_us if 0 < budget_us < period_us else 1.0


def _of_pd(pd: ProtectionDomain) -> _Thread:
    share = _share(pd.budget_us, pd.period_us)
    return _Thread(pd.name, pd.priority, share, (pd.origin, "priority"), pd.trusted, False, (pd.cpu or 0,), pd.domain)


def _of_vm(system: System, pd: ProtectionDomain, vm: VirtualMachine) -> _Thread:
    place = (vm.origin, "priority")
    share = _share(vm.budget_us, vm.period_us)
    return _Thread(vm.name, vm.priority, share, place, False, True, system.vcpu_cores(pd), pd.domain)


def _threads(system: System) -> list[_Thread]:
    """Return them all but those whose priority there is not: SDF032 tells of these."""
    threads = [*map(_of_pd, system.all_pds()), *(_of_vm(system, pd, vm) for pd, vm in system.vms())]
    return [thread for thread in threads if 0 <= thread.priority <= MAX_PRIORITY]


@rule("SDF098", "no guest or native client can starve those who serve others")
def starvation(system: System) -> Iterator[Fault]:
    """A guest that spins above a server, or above a VMM, with a whole core for itself ends everybody's I/O.

    Each of those above may have a budget below its period; together they must leave something too. Who runs on other
    cores keeps nobody from running; of several virtual CPUs each counts on its own.
    """
    threads = _threads(system) if system.chains else []
    for service, names in system.chains.items():
        members = sorted((t for t in threads if t.name in names), key=lambda t: (-t.priority, t.name))
        lowest = min((m.priority for m in members), default=0)
        suspects = [t for t in threads if not t.trusted and t.priority > lowest]
        halts = system.dialect.vm_budget_halts
        yield from _lifted(service, members, [t for t in suspects if t.share >= 1], halts=halts)
        yield from _crowd(service, members, [t for t in suspects if t.share < 1])


def _above(thread: _Thread, member: _Thread) -> bool:
    beside = thread.domain == member.domain and not set(thread.cores).isdisjoint(member.cores)
    return beside and thread.priority > member.priority and thread.name != member.name


def _lifted(service: str, members: list[_Thread], greedy: list[_Thread], *, halts: bool) -> Iterator[Fault]:
    """Report each thread above the chain; where the author lowered the member instead, report that once.

    Nobody is advised to do what SDF105 warns of: `halts` says that a machine's budget should not run out.
    """
    lowered: dict[str, tuple[_Thread, list[_Thread]]] = {}
    for thread in greedy:
        below = [m for m in members if _above(thread, m)]
        if below and _given(below[-1]) and not _given(thread):
            lowered.setdefault(below[-1].name, (below[-1], []))[1].append(thread)
        elif below:
            yield _starves(service, thread, below, "" if halts and thread.machine else ", or a budget below its period")
    for member, above in lowered.values():
        yield _starved(service, member, above)


def _given(thread: _Thread) -> bool:
    origin, key = thread.place
    return origin.given(key)


def _starved(service: str, member: _Thread, above: list[_Thread]) -> Fault:
    message = f"{_listed(above)} can starve `{member.name}` (priority {member.priority}) of {service}"
    highest = max(t.priority for t in above)
    notes = [(*t.place, f"`{t.name}` has priority {t.priority} and the whole core") for t in above[:2]]
    return fault("SDF098", message, member.place, f"give `{member.name}` at least priority {highest}", notes)


def _listed(threads: list[_Thread]) -> str:
    more = ", …" if len(threads) > 3 else ""  # noqa: PLR2004 - what fits a line
    return ", ".join(f"`{t.name}` ({t.priority})" for t in threads[:3]) + more


def _starves(service: str, thread: _Thread, below: list[_Thread], otherwise: str) -> Fault:
    lowest, own = below[-1], f"`{thread.name}` (priority {thread.priority}, the whole core)"
    message = f"{own} can starve {_listed(below)} of {service}"
    notes = [(*m.place, f"`{m.name}` has priority {m.priority}") for m in (below[0], lowest)][: len(below)]
    advice = f"give `{thread.name}` at most priority {lowest.priority}{otherwise}"
    return fault("SDF098", message, thread.place, advice, notes)


def _crowd(service: str, members: list[_Thread], bounded: list[_Thread]) -> Iterator[Fault]:
    """Report the member above whom bounded shares add up to a whole core, once for all members."""
    for member, core in ((m, core) for m in members for core in sorted(set(m.cores))):
        above = [t for t in bounded if _above(t, member) and core in t.cores]
        if sum(t.share_of(core) for t in above) < 1 - _ROUNDING:
            continue
        total = round(100 * sum(t.share_of(core) for t in above))
        names = ", ".join(f"`{t.name}` ({round(100 * t.share_of(core))} %)" for t in above)
        message = f"the budgets of {names} add up to {total} % of a core above `{member.name}` of {service}"
        notes = [
            (*member.place, f"`{member.name}` has priority {member.priority}"),
            *((*t.place, f"`{t.name}` has priority {t.priority}") for t in above[:-1]),
        ]
        yield fault("SDF098", message, above[-1].place, "make the budgets smaller, or lower the priorities", notes)
        return


@rule("SDF099", "a VMM stands above its virtual machine")
def vmm_above(system: System) -> Iterator[Fault]:
    """A VMM below its machine handles interrupts only when the guest sleeps: a guest that computes hears of nothing."""
    chain = {name for names in system.chains.values() for name in names}
    for pd, vm in system.vms():
        own, guest = _of_pd(pd), _of_vm(system, pd, vm)
        if vm.priority > MAX_PRIORITY or not _above(guest, own) or (pd.name in chain and guest.share >= 1):
            continue
        message = (
            f"virtual machine `{vm.name}` (priority {vm.priority}) stands above its VMM `{pd.name}` ({pd.priority})"
        )
        note = (*own.place, f"`{pd.name}` has priority {pd.priority}")
        advice = f"give `{vm.name}` at most priority {pd.priority}"
        yield fault("SDF099", message, guest.place, advice, [note], severity="warning")
