"""What two systems can be compared by: what only one of them could say is no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.views.document import DESCRIPTION, SYSTEM_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import SystemView


class Comparable(NamedTuple):
    """Two systems with what both can say.

    Attributes:
        before: The first.
        after: The second.
        left_out: What one of them says and the other cannot, in words.
    """

    before: SystemView
    after: SystemView
    left_out: tuple[str, ...]


def comparable(before: SystemView, after: SystemView) -> Comparable:
    """Return two systems without what only one of them can say.

    Of guests' files and devices only descriptions speak. A system file has no name but its file's, no Microkit version
    and no values for variables of program images, and says nothing of what is done for others.

    Args:
        before: The first.
        after: The second.
    """
    sources = {before.source, after.source}
    if sources == {SYSTEM_FILE}:
        before = before._replace(system=after.system)
    if len(sources) == 1:
        return Comparable(before, after, ())
    left_out = dict.fromkeys(words for view in (before, after) for words in _left_out(view, sources))
    if SYSTEM_FILE in sources:
        before = before._replace(system=after.system, microkit=after.microkit, config=after.config)
        before, after = (view._replace(patches=(), services=()) for view in (before, after))
    before, after = (_without_guests(view) for view in (before, after))
    return Comparable(before, after, tuple(left_out))


def _left_out(view: SystemView, sources: set[str]) -> Iterator[str]:
    if SYSTEM_FILE in sources and view.services:
        yield "services"
    if SYSTEM_FILE in sources and view.patches:
        yield "values in ELFs"
    if view.source == DESCRIPTION and any(machine.guest for machine in view.machines()):
        yield "files, command lines and emulated devices of guests"


def _without_guests(view: SystemView) -> SystemView:
    """Return a system whose virtual machines are nothing but that."""
    domains = (
        domain._replace(machine=domain.machine and domain.machine._replace(guest=None)) for domain in view.domains
    )
    return view._replace(domains=tuple(domains))
