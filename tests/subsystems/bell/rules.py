from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.rules.registry import fault, rule

from .model import bell_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System

HEARD_HZ = range(20, 20_001)


@rule("SDF900", "a bell can be heard")
def heard(system: System) -> Iterator[Fault]:
    """Nobody comes for a pitch that nobody hears."""
    bell = bell_of(system)
    for ring in bell.rings if bell else ():
        if ring.pitch_hz not in HEARD_HZ:
            message = f"guest `{ring.guest}` rings at {ring.pitch_hz} Hz, which nobody hears"
            yield fault("SDF900", message, (ring.origin, "ring"), "choose 20 to 20000")
