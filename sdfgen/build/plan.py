"""What of an image can be made here: which program images are linked, which are the author's, and what is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.build.toolchain import LIBVMM, SDK
from sdfgen.generate import programs_of
from sdfgen.guests.trees import is_complete
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.build.toolchain import Toolchain
    from sdfgen.model.guest import Guest
    from sdfgen.model.microkit import Origin
    from sdfgen.model.program import Program
    from sdfgen.model.system import System

_SHOWN_IMAGES = 3


class GuestFiles(NamedTuple):
    """Where a guest's files are: in the board's folder, or the author's.

    Attributes:
        guest: The guest.
        tree: Its device tree; None when there is none to start from.
        merged: The tree is made by the build, from one of the author's.
        initrd: The initial RAM disk that the build makes; None when it is the author's, or there is none.
    """

    guest: Guest
    tree: str | None
    merged: bool
    initrd: str | None


class Plan(NamedTuple):
    """What is made of a system.

    Attributes:
        programs: Programs that are linked here.
        compiled: Those and the ones that cannot be linked yet: what needs nothing of the user's is compiled.
        tables: Generated C that is compiled for programs of the author's, each with what it comes from.
        guests: Where guests' files are, by the guest's name.
        found: Program images that lie beside the description.
        waiting: What is not made, in words: the Microkit tool runs when there is nothing of it.
    """

    programs: tuple[Program, ...]
    compiled: tuple[Program, ...]
    tables: Mapping[str, Origin]
    guests: Mapping[str, GuestFiles]
    found: tuple[str, ...]
    waiting: tuple[str, ...]

    @property
    def packed(self) -> bool:
        """The Microkit tool runs."""
        return not self.waiting

    @property
    def linked(self) -> frozenset[str]:
        """The program images that are linked here."""
        return frozenset(program.elf for program in self.programs if program.domain is not None)

    @property
    def inside(self) -> frozenset[str]:
        """The ELFs that go into initial RAM disks."""
        disks = [files.guest for files in self.guests.values() if files.initrd is not None]
        sources = {appended.source for guest in disks for appended in guest.appended}
        return frozenset(program.elf for program in self.programs if outputs.elf(program.elf) in sources)

    @property
    def made_guest_files(self) -> list[str]:
        """Guests' files that the build makes."""
        made = [(files.initrd, files.tree if files.merged else None) for files in self.guests.values()]
        return [name for names in made for name in names if name is not None]


def plan(system: System, toolchain: Toolchain) -> Plan:
    """Decide what can be made.

    Args:
        system: The system.
        toolchain: What there is to make it with.
    """
    everything = programs_of(system)
    images = {pd.program_image for pd in system.all_pds()}
    found = {name for name in images if os.path.isfile(os.path.join(system.folder, name))}
    guests = {guest.name: _guest_files(system, guest) for guest in system.guests}
    wanted = [program for program in everything.programs if program.elf not in found]
    lacking = {program.elf: list(_lacking(program, toolchain, guests)) for program in wanted}
    foreign = images - {*found, *lacking}
    return Plan(
        programs=tuple(program for program in wanted if not lacking[program.elf]),
        compiled=tuple(wanted),
        tables=everything.tables,
        guests=guests,
        found=tuple(sorted(found)),
        waiting=_all_waiting(lacking, foreign, toolchain),
    )


def _guest_files(system: System, guest: Guest) -> GuestFiles:
    complete = is_complete(system, guest)
    tree = outputs.tree(guest, complete=complete)
    return GuestFiles(guest, tree, tree is not None and not complete, outputs.initrd(guest))


def _lacking(program: Program, toolchain: Toolchain, guests: Mapping[str, GuestFiles]) -> Iterator[str]:
    """Yield what the link of one program waits for."""
    if program.domain is not None and not toolchain.microkit_sdk:
        yield SDK
    if program.vmm and not toolchain.libvmm:
        yield LIBVMM
    if program.guest is not None:
        files = guests[program.guest]
        if files.guest.kernel is None:
            yield f"`kernel` of `{program.guest}`"
        if files.tree is None:
            yield f"`dtb` of `{program.guest}`"


def _all_waiting(lacking: dict[str, list[str]], foreign: set[str], toolchain: Toolchain) -> tuple[str, ...]:
    waiting = tuple(_waiting(lacking, toolchain))
    if toolchain.microkit_sdk:
        return waiting + tuple(f"{outputs.LOADER} waits for {name} beside the description" for name in sorted(foreign))
    return waiting or (f"{outputs.LOADER} waits for {SDK}",)


def _waiting(lacking: dict[str, list[str]], toolchain: Toolchain) -> Iterator[str]:
    """Yield which images wait for what, those that wait for the same together."""
    by_reason: dict[str, list[str]] = {}
    for image, reasons in sorted(lacking.items()):
        if reasons:
            by_reason.setdefault(" and ".join(reasons), []).append(image)
    missing = [name for name, value in ((SDK, toolchain.microkit_sdk), (LIBVMM, toolchain.libvmm)) if not value]
    if missing:
        images = [image for image, reasons in sorted(lacking.items()) if reasons]
        by_reason = {" and ".join(missing): images} if images else {}
    for reason, images in by_reason.items():
        shown = ", ".join(images[:_SHOWN_IMAGES]) + (", …" if len(images) > _SHOWN_IMAGES else "")
        what = f"{len(images)} program images ({shown}) wait" if len(images) > 1 else f"{shown} waits"
        yield f"{what} for {reason}"
