"""Kernel command lines: what Linux can't read of one, and what contradicts the machine that a guest has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.guests.command_line import MOST_BYTES, command_line, words_of
from sdfgen.rules.registry import Stage, fault, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System

_KEY = "bootargs"


@rule("SDF137", "Linux can read the kernel command line", Stage.VALUES)
def command_line_form(system: System) -> Iterator[Fault]:
    """Linux keeps 2047 bytes of it and cuts off the rest; a quote holds words together.

    Bytes above 0x7f are letters of Latin-1 to the kernel: 0xa0, a part of many letters of UTF-8, is a space.
    """
    for guest in system.guests:
        place = (guest.origin, _KEY)
        named = f"bootargs of guest `{guest.name}`"
        own_tree = guest.dtb is not None
        size_bytes = len(command_line(system.board, guest, own_tree=own_tree).encode())
        if size_bytes > MOST_BYTES:
            added = size_bytes - len(guest.bootargs.encode())
            message = (
                f"the command line of guest `{guest.name}` has {size_bytes} bytes, {added} of them added by sdfgen"
            )
            advice = f"make `bootargs` shorter by {size_bytes - MOST_BYTES} bytes; Linux keeps {MOST_BYTES} on arm64"
            yield fault("SDF137", message, place, advice)
        odd = sorted({letter for letter in guest.bootargs if not " " <= letter <= "~"})
        if odd:
            message = f"{named} have {', '.join(map(ascii, odd))}, which is no printable ASCII"
            yield fault("SDF137", message, place, "write words of ASCII with a space between them", severity="warning")
        if guest.bootargs.count('"') % 2:
            message = f"{named} have a quote that does not end: all words behind it are one"
            yield fault("SDF137", message, place, "end it", severity="warning")


@rule("SDF138", "the kernel command line agrees with the guest's machine")
def command_line_agrees(system: System) -> Iterator[Fault]:
    """The author's words come last and win over those that sdfgen writes, of which some must hold.

    A console that is not there takes the output of programs with it; a store to an address where nothing is stops the
    guest at its first line.
    """
    for guest in system.guests:
        yield from _of_board(system, guest)
        for name, value in words_of(guest.bootargs):
            yield from _own(guest, name, value)
            judge = _JUDGES.get(name)
            if judge is not None:
                yield from judge(system, guest, value)


def _own(guest: Guest, name: str, value: str) -> Iterator[Fault]:
    """Yield the fault of a word that replaces one that a subsystem needs."""
    for own, needed in words_of(" ".join(guest.own_bootargs)):
        if own == name and needed != value:
            message = f"`{name}={value}` in bootargs of guest `{guest.name}` replaces `{own}={needed}`, which it needs"
            yield fault("SDF138", message, (guest.origin, _KEY), "leave it out")


_WITHOUT_HARDWARE = r"tty\d*|ttynull|null|ttyUSB\d+|netcon\d+|"
"""Consoles that need no device of the guest's, or one that no table says."""


def _console(system: System, guest: Guest, value: str) -> Iterator[Fault]:
    name = value.partition(",")[0]
    if name in guest.consoles or re.fullmatch(_WITHOUT_HARDWARE, name):
        return
    if guest.devices and name != system.board.guest.console:
        return  # one of them may be it
    has = f"has {' and '.join(f'`{own}`' for own in guest.consoles)}" if guest.consoles else "has none"
    message = f"`console={value}` in bootargs: guest `{guest.name}` {has}"
    yield fault(
        "SDF138", message, (guest.origin, _KEY), "leave it out: sdfgen writes the guest's own", severity="warning"
    )


_ADDRESS = r"[a-z0-9_]+,(?:(?:mmio|mmio32|mmio32be|mmio16|mmio32native),)?(0x[0-9a-fA-F]+)(?:,.*)?"


def _earlycon(system: System, guest: Guest, value: str) -> Iterator[Fault]:
    found = re.fullmatch(_ADDRESS, value)
    if found is None:
        return
    address = int(found[1], 16)
    vm = next((vm for _, vm in system.vms() if vm.name == guest.name), None)
    sizes = {region.name: region.size_bytes or 0 for region in system.regions}
    maps = [(int(m.vaddr), sizes.get(m.region, 0)) for m in vm.maps] if vm is not None else []
    ranges = [*maps, *((int(device.gpa), device.size_bytes) for device in guest.emulated)]
    if not any(start <= address < start + size for start, size in ranges):
        message = f"`earlycon={value}` in bootargs: guest `{guest.name}` has nothing at {address:#x}"
        advice = "write `earlycon` without a value: the device tree has the guest's console"
        yield fault("SDF138", message, (guest.origin, _KEY), advice)


_PLACE = r"(0[xX][0-9a-fA-F]+|\d+)[KMGkmg]?,(0[xX][0-9a-fA-F]+|\d+)[KMGkmg]?"


def _initrd(_system: System, guest: Guest, value: str) -> Iterator[Fault]:
    """Yield the fault of a place that init/do_mounts_initrd.c takes instead of the device tree's."""
    if re.fullmatch(_PLACE, value):
        where = f"lies at {guest.initrd_gpa:#x}" if guest.initrd_bytes else "does not exist"
        message = f"`initrd={value}` in bootargs: the initrd of guest `{guest.name}` {where}, as the device tree says"
        yield fault("SDF138", message, (guest.origin, _KEY), "leave it out")


def _nr_cpus(_system: System, guest: Guest, value: str) -> Iterator[Fault]:
    """Yield the warning of CPUs that Linux never starts: of several numbers it takes the smallest."""
    if _too_few(guest, value):
        message = f"`nr_cpus={value}` in bootargs: guest `{guest.name}` has {guest.cpus} virtual CPUs"
        yield fault("SDF138", message, (guest.origin, _KEY), "leave it out, or lower `cpus`", severity="warning")


def _of_board(system: System, guest: Guest) -> Iterator[Fault]:
    """Yield the same of the board file's words, which a guest on the board's own tree has."""
    facts = system.board.guest
    for name, value in words_of(facts.bootargs) if guest.dtb is not None else ():
        if name == "nr_cpus" and _too_few(guest, value):
            message = f"`nr_cpus={value}` of the board file: guest `{guest.name}` has {guest.cpus} virtual CPUs"
            note = (facts, "bootargs", "the board file's words")
            advice = "leave it out there: sdfgen writes each guest's own"
            yield fault("SDF138", message, (guest.origin, "cpus"), advice, [note], "warning")


def _too_few(guest: Guest, value: str) -> bool:
    return value.isdecimal() and 0 < int(value[:9]) < guest.cpus


_JUDGES: dict[str, Callable[[System, Guest, str], Iterator[Fault]]] = {
    "console": _console,
    "earlycon": _earlycon,
    "initrd": _initrd,
    "initrdmem": _initrd,
    "nr_cpus": _nr_cpus,
}
