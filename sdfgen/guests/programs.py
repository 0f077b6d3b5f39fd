"""The programs of guests: a VMM for each, and the guest timer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.model.guest import CONSOLE
from sdfgen.model.program import Folders, Program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.model.system import System

CONSOLE_FOLDERS = Folders(("vmm_pl011",), ("pl011",))
_VMM = ("vmm", "microkit", "cache")
_TIMER = ("guest_timer_pd", "microkit")
_LIBRARIES = ("common", "counters", "pd")


def programs(system: System, kinds: Mapping[str, Folders]) -> tuple[Program, ...]:
    """Return the programs.

    Args:
        system: The system.
        kinds: What a VMM needs for each kind of device that subsystems have.
    """
    images = system.images_by_pd()
    timer = system.guest_timer
    known = {**kinds, CONSOLE: CONSOLE_FOLDERS}
    found = []
    for guest in system.guests:
        needs = [known[kind] for kind in sorted({device.kind for device in guest.emulated})]
        found.append(
            Program(
                elf=images[guest.vmm],
                origin=guest.origin,
                domain=guest.vmm,
                tables=(f"src/{guest.vmm}_table.c",),
                folders=(*_VMM, *dict.fromkeys(folder for need in needs for folder in need.folders)),
                libraries=(*_LIBRARIES, *dict.fromkeys(folder for need in needs for folder in need.libraries)),
                vmm=True,
                guest=guest.name,
            )
        )
    if timer is not None:
        table = f"src/{timer.pd}_table.c"
        origin = next(pd.origin for pd in system.all_pds() if pd.name == timer.pd)
        found.append(Program(images[timer.pd], origin, timer.pd, (table,), _TIMER, ("guest_timer", *_LIBRARIES)))
    return tuple(found)
