"""Numbers of VMMs' C files that the system file and the device tree have, too."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.faults.source import Source, Where
from sdfgen.model.tree import Constant
from sdfgen.read.c_constants import CText, constants
from sdfgen.read.xml import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.existing.request import Request
    from sdfgen.faults.fault import Faults
    from sdfgen.model.system import System
    from sdfgen.read.c_constants import Number

NAMES = {
    "GUEST_RAM_SIZE": "ram_bytes",
    "GUEST_RAM_START_GPA": "ram_start",
    "GUEST_RAM_VADDR": "ram_start",
    "GUEST_INIT_RAM_DISK_GPA": "initrd",
    "GUEST_INIT_RAM_DISK_VADDR": "initrd",
    "GUEST_DTB_GPA": "dtb",
    "GUEST_DTB_VADDR": "dtb",
}
"""What the constants of libvmm's examples are of a guest."""
KINDS = ("ram_bytes", "ram_start", "initrd", "dtb")
"""What a constant may be of a guest: size and start of its RAM, where its initial RAM disk and its device tree go."""


def constants_of(request: Request, board: str | None, system: System, faults: Faults) -> Iterator[Constant]:
    """Yield what C files say of guests.

    Args:
        request: What somebody names.
        board: The board that they are compiled for, if somebody says.
        system: The system.
        faults: Takes files that cannot be read.
    """
    known = NAMES | dict(request.names)
    for text in request.numbers:
        machine, equals, path = text.partition("=")
        if not equals or os.path.exists(text):
            path, machine = text, _whose(text, system)
        name = os.path.normpath(path)
        try:
            content = read_bytes(path).decode(errors="replace")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            faults.add(Fault("SDF001", f"{name!r} cannot be read: {why}", Where(Source(name, "")), "name a C file"))
            continue
        found = [
            (number, what)
            for number in constants(CText(name, content, path), board, request.macros)
            if (what := known.get(number.name) or _of_device(number.name)) is not None
        ]
        for number, what in found:
            if number.value is not None:
                yield Constant(machine, what, number.name, number.value, number.where)
        faults.extend(_unsure([number for number, _ in found]))


def _unsure(numbers: list[Number]) -> Iterator[Fault]:
    """Tell which constants of a file are not compared: all that is said of them stands on conditions nobody knows."""
    sure = {number.name for number in numbers if number.value is not None}
    unsure = [number for number in numbers if number.name not in sure]
    others = len({number.name for number in unsure}) - 1
    for number in unsure[:1]:
        who, is_ = (f"`{number.name}` and {others} more", "are") if others else (f"`{number.name}`", "is")
        message = f"{who} {is_} not compared: conditions decide that nobody knows here"
        yield Fault("SDF216", message, number.where, "name the board (--board), or --define what decides", (), "note")


_DEVICES = (
    (re.compile(r"VIRTIO_(\w+)_BASE"), "registers"),
    (re.compile(r"VIRTIO_(\w+)_IRQ"), "virtual"),
    (re.compile(r"(\w+)_IRQ_CH"), "channel"),
    (re.compile(r"(?!VIRTIO_|UIO_|MAX_)(\w+)_IRQ"), "irq"),
)
"""What constants of devices are called in libvmm's examples, and what each is."""


def _of_device(name: str) -> str | None:
    matches = ((pattern.fullmatch(name), what) for pattern, what in _DEVICES)
    return next((f"{what} {match[1]}" for match, what in matches if match), None)


def _whose(path: str, system: System) -> str:
    """Return the virtual machine of the VMM that a file is of: by its name, or because there is only one."""
    stem = os.path.splitext(os.path.basename(path))[0]
    machines = [(pd, vm) for pd, vm in system.vms()]
    named = [vm.name for pd, vm in machines if os.path.splitext(os.path.basename(pd.program_image))[0] == stem]
    if len(named) == 1:
        return named[0]
    return machines[0][1].name if len(machines) == 1 else ""
