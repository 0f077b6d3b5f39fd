"""Which Microkit version a system file is for, and what of it a version does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.dialects import DIALECTS, numbers
from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.existing.forms import Use
    from sdfgen.facts.dialects import Dialect
    from sdfgen.faults.source import Where

CODE = "SDF061"
BY_VERSION = frozenset({"SDF023", "SDF024", "SDF025", "SDF043", "SDF059", "SDF060", CODE, "SDF100", "SDF102", "SDF177"})
"""Rules that judge by version: what one version refuses another may take."""
_NEWEST_FIRST = sorted(DIALECTS.values(), key=lambda dialect: numbers(dialect.version), reverse=True)


def candidates(uses: Sequence[Use]) -> list[Dialect]:
    """Return the released versions whose grammar takes a file, newest first; of several that don't, the best.

    Args:
        uses: What of the file not every version knows.
    """
    wrong = {dialect.version: sum(not _takes(dialect, use) for use in set(_needs(uses))) for dialect in _NEWEST_FIRST}
    least = min(wrong.values())
    fitting = [dialect for dialect in _NEWEST_FIRST if wrong[dialect.version] == least]
    return fitting if least == 0 else fitting[:1]


def _needs(uses: Sequence[Use]) -> Iterator[tuple[str, str]]:
    return ((use.since, use.until) for use in uses if not use.foreign)


def _takes(dialect: Dialect, need: tuple[str, str]) -> bool:
    since, until = need
    after = not since or dialect.at_least(since)
    return after and (not until or numbers(dialect.version) <= numbers(until))


def refused(uses: Sequence[Use], dialect: Dialect, chosen: Where | None) -> Iterator[Fault]:
    """Yield what a version's grammar does not have.

    Args:
        uses: What of the file not every version knows.
        dialect: The version.
        chosen: The place that chooses it, if somebody does.
    """
    notes = () if chosen is None else ((chosen, "the version is chosen here"),)
    for use in uses:
        if use.foreign or _takes(dialect, (use.since, use.until)):
            continue
        if use.until:
            message = f"{use.what} is of Microkit up to {use.until}, and this file is read as one for {dialect.version}"
            advice = "in later versions the callers' ends of its channels have it; without any it has no place"
        else:
            message = f"{use.what} needs Microkit {use.since}, and this file is read as one for {dialect.version}"
            advice = f"leave it out, or use Microkit {use.since} or later"
        yield Fault(CODE, message, use.where, advice, notes)


def is_of_version(fault: Fault) -> bool:
    """Tell whether another version may take what a fault tells of."""
    named = fault.code != "SDF024" or "virtual machines" in fault.message
    return fault.severity == "error" and fault.code in BY_VERSION and named
