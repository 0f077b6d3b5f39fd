"""Linux guests.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from sdfgen.model.microkit import Gpa, Origin, Vaddr
from sdfgen.read.flat_tree import FlatTree
from sdfgen.records import NamedTuple


class KernelImage(NamedTuple):
    """A guest's kernel as its file's first bytes tell.

    Attributes:
        kind: What the file is, in words; `ARM64_IMAGE` is what a guest can be started from.
        text_offset: How far above the start of RAM it wants to lie.
        size_bytes: What it takes in memory; the size of the file when the header does not say.
        advice: How to come to an Image from what the file is; empty when nobody knows.
        wrong: What keeps an Image from starting, in words; empty when nothing is seen.
        page_kib: The size of its pages; None when the header does not say.
    """

    kind: str
    text_offset: int
    size_bytes: int
    advice: str = ""
    wrong: str = ""
    page_kib: int | None = None


class RamDisk(NamedTuple):
    """An author's initial RAM disk as its file tells.

    Attributes:
        size_bytes: Size of the file.
        wrong: What it is that Linux does not unpack, in words; empty when nothing is seen.
        advice: How to come to one that it does.
        mountable: It is an image of a file system, which a kernel with CONFIG_BLK_DEV_RAM may mount.
        form: A form that not every version of Linux takes.
        is_empty: There is nothing to unpack.
    """

    size_bytes: int
    wrong: str = ""
    advice: str = ""
    mountable: bool = False
    form: str = ""
    is_empty: bool = False


CRC = "cpio crc"
LZ4 = "lz4"
"""Forms of a RAM disk that not every version of Linux takes."""


class EmulatedDevice(NamedTuple):
    """A row of a VMM's table of devices: registers that trap, and a virtual interrupt.

    Attributes:
        kind: The device kind, as C calls it: `pl011`.
        name: Its name, the only one in its guest; a C identifier.
        gpa: Its registers.
        size_bytes: Their size.
        intid: Its interrupt.
        origin: Where it comes from.
        channel: Whose notifications are for it; None for nobody's.
        config: What its kind must know of it.
    """

    kind: str
    name: str
    gpa: Gpa
    size_bytes: int
    intid: int
    origin: Origin
    channel: int | None = None
    config: object = None


CONSOLE = "pl011"
"""The kind of the console that every guest has which is given no UART, unless a subsystem has another for it."""
CONSOLE_NAME = "console"
"""Its row's name, whatever its kind."""


class AppendedFile(NamedTuple):
    """A file that the build appends to a guest's initial RAM disk.

    Attributes:
        path: Its path there.
        source: The file in the board's folder, or what a link leads to.
        kind: `file`, `program` or `link`.
    """

    path: str
    source: str
    kind: str


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
        origin: Its table.
        ram_region: The region of its RAM.
        ram_gpa: Start of its RAM.
        ram_bytes: Its size.
        ram_vaddr: Where its VMM sees it.
        dtb_gpa: Where the device tree goes.
        initrd_gpa: Where the initial RAM disk goes.
        timer: How its VMM reaches the guest timer.
        kernel, initrd, dtb: Paths as the description gives them.
        kernel_image: What the kernel's file holds; None without a readable one.
        ram_disk: What the initial RAM disk's file holds; None without a readable one.
        base_tree: The device tree that it starts from; None without a readable one.
        initrd_bytes: Size of the initial RAM disk with what is appended to it; None without one.
        bootargs: The author's words for the kernel command line.
        own_bootargs: Those of the subsystems, which need them.
        default_bootargs: Those of the subsystems for want of the author's.
        consoles: What Linux calls its consoles.
        appended: What the build appends to its initial RAM disk.
        cpus: Virtual CPUs.
        devices: Names of the devices passed through.
        passthrough: (channel id, INTID) of interrupts handed on.
        emulated: Its VMM's table of devices, in the order in which the guest finds them.
        restarts: It may be started again from its images: no device writes into its RAM by itself, or each is stopped.
        resets: Stores that stop these devices: where its VMM sees the register, and the value.
    """

    name: str
    vmm: str
    origin: Origin
    ram_region: str
    ram_gpa: Gpa
    ram_bytes: int
    ram_vaddr: Vaddr
    dtb_gpa: Gpa
    initrd_gpa: Gpa
    timer: TimerLink
    kernel: str | None = None
    initrd: str | None = None
    dtb: str | None = None
    kernel_image: KernelImage | None = None
    ram_disk: RamDisk | None = None
    base_tree: FlatTree | None = None
    initrd_bytes: int | None = None
    bootargs: str = ""
    own_bootargs: tuple[str, ...] = ()
    default_bootargs: tuple[str, ...] = ()
    consoles: tuple[str, ...] = ()
    appended: tuple[AppendedFile, ...] = ()
    cpus: int = 1
    devices: tuple[str, ...] = ()
    passthrough: tuple[tuple[int, int], ...] = ()
    emulated: tuple[EmulatedDevice, ...] = ()
    restarts: bool = True
    resets: tuple[tuple[Vaddr, int], ...] = ()

    @property
    def console(self) -> EmulatedDevice | None:
        """Its emulated console; None when it is given a UART."""
        return next((device for device in self.emulated if device.name == CONSOLE_NAME), None)

    @property
    def files(self) -> tuple[str, ...]:
        """The author's files that it is started from."""
        return tuple(path for path in (self.kernel, self.initrd, self.dtb) if path)
