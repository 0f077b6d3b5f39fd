"""What of an image can be made here: which program images are linked, which are the author's, and what is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sdfgen.build.toolchain import LIBVMM, SDK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System
    from sdfgen.build.toolchain import Toolchain

_SHOWN_IMAGES = 3


class Linked(NamedTuple):
    """A protection domain of the block subsystem whose program image is linked here; `guest` is its virtual machine."""

    pd: str
    image: str
    guest: Guest | None


class Plan(NamedTuple):
    """What is made of a system.

    Attributes:
        linked: Program images that are linked here.
        found: Program images that lie beside the description.
        waiting: What is not made, in words: the Microkit tool runs when there is nothing of it.
        driver_initrd: The driver VM's initial RAM disk is made.
        driver_tree: The driver VM's device tree in the build folder; None when there is none to start from.
    """

    linked: tuple[Linked, ...]
    found: tuple[str, ...]
    waiting: tuple[str, ...]
    driver_initrd: bool
    driver_tree: str | None

    @property
    def packed(self) -> bool:
        """The Microkit tool runs."""
        return not self.waiting

    @property
    def driver_tree_is_merged(self) -> bool:
        """The driver VM's device tree is the board's own with an overlay."""
        return self.driver_tree is not None and self.driver_tree.startswith(f"{GUEST_FOLDER}/")


GUEST_FOLDER = "guest"
"""Where the driver VM's files are made."""


def plan(system: System, toolchain: Toolchain) -> Plan:
    """Decide what can be made.

    Args:
        system: The system.
        toolchain: What there is to make it with.
    """
    ours = _linkable(system)
    found = tuple(
        sorted(
            pd.program_image for pd in system.all_pds() if os.path.isfile(os.path.join(system.folder, pd.program_image))
        )
    )
    tree = _driver_tree(system)
    wanted = [linked for linked in ours if linked.image not in found]
    lacking = {linked.image: list(_lacking(linked, toolchain, system, tree)) for linked in wanted}
    waiting = tuple(_waiting(lacking, toolchain))
    if toolchain.microkit_sdk:
        foreign = {pd.program_image for pd in system.all_pds()} - {*found, *lacking}
        waiting += tuple(f"loader.img waits for {name} beside the description" for name in sorted(foreign))
    elif not waiting:
        waiting = (f"loader.img waits for {SDK}",)
    driver = system.block.driver.guest if system.block else None
    return Plan(
        linked=tuple(linked for linked in wanted if not lacking[linked.image]),
        found=found,
        waiting=waiting,
        driver_initrd=driver is not None and driver.initrd_bytes is not None,
        driver_tree=tree,
    )


def _linkable(system: System) -> list[Linked]:
    block = system.block
    if block is None:
        return []
    images = {pd.name: pd.program_image for pd in system.all_pds()}
    guests = [(block.driver.guest.vmm, block.driver.guest), *((c.pd, c.guest) for c in block.clients if c.guest)]
    return [Linked(pd, images[pd], guest) for pd, guest in ((block.virt, None), (block.timer.pd, None), *guests)]


def _driver_tree(system: System) -> str | None:
    if system.block is None:
        return None
    name, facts = system.block.driver.guest.name, system.board.facts.guest
    if facts.complete_driver_tree:
        return f"dtb/{name}.dtb"
    return f"{GUEST_FOLDER}/{name}.dtb" if system.block.driver.dtb else None


def _lacking(linked: Linked, toolchain: Toolchain, system: System, tree: str | None) -> Iterator[str]:
    """Yield what the link of one image waits for."""
    if not toolchain.microkit_sdk:
        yield SDK
    if linked.guest is None:
        return
    if not toolchain.libvmm:
        yield LIBVMM
    if linked.guest.kernel is None:
        yield f"`kernel` of `{linked.guest.name}`"
    if system.block and linked.guest is system.block.driver.guest and tree is None:
        yield f"`dtb` of `{linked.guest.name}`"


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
