"""Channels: their ends, and who calls whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import suggestion
from sdfgen.rules.registry import fault, rule
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


@rule("SDF057", "a channel connects two protection domains")
def ends(system: System) -> Iterator[Fault]:
    """Microkit wants two ends. It accepts both on one protection domain, which would only notify itself."""
    for channel in system.channels:
        count = len(channel.ends)
        if count != ENDS:
            plural = "" if count == 1 else "s"
            message = f"a channel {_between(channel)}has {count} end{plural} instead of two"
            yield fault("SDF057", message, (channel.origin, "ends"), "give it two ends")
        elif channel.ends[0].pd == channel.ends[1].pd:
            first, second = channel.ends
            other = [(first.origin, "pd", "the other end is here")]
            message = f"both ends of a channel are on `{first.pd}`"
            yield fault("SDF057", message, (second.origin, "pd"), "name another protection domain", other)


def _between(channel: Channel) -> str:
    names = ", ".join(f"`{end.pd}`" for end in channel.ends)
    return f"of {names} " if names else ""


@rule("SDF058", "channels lead to protection domains that exist")
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


@rule("SDF059", "one end of a channel calls, not both")
def one_caller(system: System) -> Iterator[Fault]:
    """Two protection domains that wait for each other's answer would wait for ever."""
    for one, two in pairs(system):
        if one.pp and two.pp:
            message = f"`{one.pd}` and `{two.pd}` may call each other on one channel"
            other = [(one.origin, "pp", f"`{one.pd}` may call here")]
            yield fault("SDF059", message, (two.origin, "pp"), "leave `pp` to the caller", other)


@rule("SDF060", "callers have a lower priority than those they call")
def call_priority(system: System) -> Iterator[Fault]:
    """A call to somebody of lower priority would wait behind everybody between; with equal ones either may starve."""
    pds = {pd.name: pd for pd in reversed(list(system.all_pds()))}
    for caller, callee in calls(system):
        low, high = pds.get(caller.pd), pds.get(callee.pd)
        if low is not None and high is not None and low.priority >= high.priority:
            message = (
                f"`{low.name}` at priority {low.priority} calls `{high.name}` at priority {high.priority}, "
                "which must be higher"
            )
            other = [
                (low.origin, "priority", f"`{low.name}` is here"),
                (high.origin, "priority", f"`{high.name}` is here"),
            ]
            yield fault("SDF060", message, (caller.origin, "pp"), f"lower `{low.name}` or raise `{high.name}`", other)
