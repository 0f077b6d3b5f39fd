from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sdfgen.model.microkit import Gpa, Origin, Vaddr
    from sdfgen.model.system import System


class Ring(NamedTuple):
    """A guest that rings: its page in the guest and in the bell's domain, and the channel to the bell."""

    guest: str
    pitch_hz: int
    gpa: Gpa
    vaddr: Vaddr
    channel: int
    origin: Origin


class Bell(NamedTuple):
    pd: str
    rings: tuple[Ring, ...]


def bell_of(system: System) -> Bell | None:
    found: Bell | None = system.parts.get("bell")
    return found
