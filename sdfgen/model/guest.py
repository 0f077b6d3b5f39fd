"""Linux guests.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from typing import NamedTuple

from sdfgen.model.microkit import Gpa, Vaddr


class KernelImage(NamedTuple):
    """A guest's kernel as its file's first bytes tell.

    Attributes:
        kind: What the file is, in words; `ARM64_IMAGE` is what a guest can be started from.
        text_offset: How far above the start of RAM it wants to lie.
        size_bytes: What it takes in memory; the size of the file when the header does not say.
    """

    kind: str
    text_offset: int
    size_bytes: int


ARM64_IMAGE = "an arm64 Image"


class EmulatedDevice(NamedTuple):
    """A device that a VMM emulates for its guest: registers that trap, and a virtual interrupt."""

    gpa: Gpa
    size_bytes: int
    intid: int


class TimerLink(NamedTuple):
    """A VMM's page for the guest timer, and the channel between them, as one of the two sees it."""

    page: Vaddr
    channel: int


class GuestTimer(NamedTuple):
    """The domain that wakes guests which wait; `irq_channel` is None where it has no timer of its own."""

    pd: str
    links: tuple[TimerLink, ...]
    irq_channel: int | None


class Guest(NamedTuple):
    """A Linux guest.

    Attributes:
        name: The virtual machine.
        vmm: Its protection domain.
        ram_gpa: Start of its RAM.
        ram_vaddr: Where its VMM sees it.
        dtb_gpa: Where the device tree goes.
        initrd_gpa: Where the initial RAM disk goes.
        kernel, initrd: Paths as the description gives them.
        kernel_image: What the kernel's file holds; None without a readable one.
        initrd_bytes: Size of the initial RAM disk file; None without one.
        devices: Names of the devices passed through.
        passthrough: (channel id, INTID) of interrupts handed on.
        console: Its emulated console; None when it is given a UART.
        timer: How its VMM reaches the guest timer.
    """

    name: str
    vmm: str
    ram_gpa: Gpa
    ram_bytes: int
    ram_vaddr: Vaddr
    dtb_gpa: Gpa
    initrd_gpa: Gpa
    kernel: str | None
    initrd: str | None
    initrd_bytes: int | None
    bootargs: str
    kernel_image: KernelImage | None = None
    devices: tuple[str, ...] = ()
    passthrough: tuple[tuple[int, int], ...] = ()
    console: EmulatedDevice | None = None
    timer: TimerLink | None = None
