"""Channels: their ends, and who calls whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import suggestion
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.schema.readers import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Channel, End
    from sdfgen.model.system import System

ENDS = 2


def pairs(system: System) -> Iterator[tuple[End, End]]:
    """Yield the two ends of every channel that has two."""
    for channel in system.channels:
        if len(channel.ends) == ENDS:
            yield channel.ends[0], channel.ends[1]


def calls(system: System) -> Iterator[tuple[End, End]]:
    """Yield caller's and callee's end of every channel that one side may call on."""
    for one, two in pairs(system):
        if one.pp != two.pp and one.pd != two.pd:
            yield (one, two) if one.pp else (two, one)


@rule("SDF057", "a channel connects two protection domains", Stage.VALUES)
def ends(system: System) -> Iterator[Fault]:
    """Microkit wants two ends. It accepts both on one protection domain, which then notifies itself.

    Such a call waits for itself, and two ends with one id take one slot: the second fails at boot.
    """
    for channel in system.channels:
        count = len(channel.ends)
        if count != ENDS:
            plural = "" if count == 1 else "s"
            message = f"a channel {_between(channel)}has {count} end{plural} instead of two"
            yield fault("SDF057", message, (channel.origin, "ends"), "give it two ends")
        elif channel.ends[0].pd == channel.ends[1].pd:
            yield _to_itself(*channel.ends)


def _to_itself(first: End, second: End) -> Fault:
    what, severity = "which notifies itself", "note"
    if first.pp or second.pp:
        what, severity = "which would wait for itself", "error"
    elif first.id == second.id:
        what, severity = "with one id", "error"
    message = f"both ends of a channel are on `{first.pd}`, {what}"
    other = [(first.origin, "pd", "the other end is here")]
    return fault("SDF057", message, (second.origin, "pd"), "name another protection domain", other, severity)


def _between(channel: Channel) -> str:
    names = ", ".join(f"`{end.pd}`" for end in channel.ends)
    return f"of {names} " if names else ""


@rule("SDF058", "channels lead to protection domains that exist", Stage.VALUES)
def end_known(system: System) -> Iterator[Fault]:
    """An end is a protection domain; a guest is reached through its VMM."""
    known = {pd.name for pd in system.all_pds()}
    vmms = {vm.name: pd.name for pd, vm in system.vms()}
    if Text.harmless in known:
        return
    for channel in system.channels:
        for end in channel.ends:
            if end.pd in vmms and end.pd not in known:
                message = f"channel end `{end.pd}` is a virtual machine"
                yield fault("SDF058", message, (end.origin, "pd"), f"name its VMM, `{vmms[end.pd]}`")
            elif end.pd not in known:
                message = f"channel end `{end.pd}` is no protection domain{suggestion(end.pd, known)}"
                yield fault("SDF058", message, (end.origin, "pd"), "name one, or add [[protection_domain]]")


@rule("SDF059", "one end of a channel calls, not both", Stage.VALUES)
def one_caller(system: System) -> Iterator[Fault]:
    """Two protection domains that wait for each other's answer would wait for ever; from 2.0.0 Microkit refuses it."""
    severity = "error" if "one_caller" in system.dialect.checks else "note"
    for one, two in pairs(system):
        if one.pp and two.pp:
            message = f"`{one.pd}` and `{two.pd}` may call each other on one channel"
            other = [(one.origin, "pp", f"`{one.pd}` may call here")]
            yield fault("SDF059", message, (two.origin, "pp"), "leave `pp` to the caller", other, severity)


@rule("SDF060", "callers have a lower priority than those they call")
def call_priority(system: System) -> Iterator[Fault]:
    """A call to somebody of lower priority would wait behind everybody between; with equal ones either may starve.

    The manual has always said so; the tool looks from 2.0.0 on. Before, nobody can tell who calls and who could.
    """
    severity = "error" if "call_priority" in system.dialect.checks else "note"
    pds = {pd.name: pd for pd in reversed(list(system.all_pds()))}
    for caller, callee in calls(system):
        low, high = pds.get(caller.pd), pds.get(callee.pd)
        if low is not None and high is not None and low.priority >= high.priority:
            must = "must" if severity == "error" else "should"
            message = (
                f"`{low.name}` at priority {low.priority} calls `{high.name}` at priority {high.priority}, "
                f"which {must} be higher"
            )
            other = [
                (low.origin, "priority", f"`{low.name}` is here"),
                (high.origin, "priority", f"`{high.name}` is here"),
            ]
            advice = f"lower `{low.name}` or raise `{high.name}`"
            yield fault("SDF060", message, (caller.origin, "pp"), advice, other, severity)
