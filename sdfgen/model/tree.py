"""What stands beside a system file: device trees of its guests, and numbers in its VMMs' C.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from sdfgen.faults.source import Where
from sdfgen.records import NamedTuple


class Extent(NamedTuple):
    """Guest-physical addresses that a tree names, from `start` to before `end`."""

    start: int
    end: int
    where: Where


class TreeInterrupt(NamedTuple):
    """An interrupt of a node.

    Attributes:
        intid: Its number as the GIC counts.
        trigger: `level` or `edge`; empty where the tree says neither.
        where: Its place.
    """

    intid: int
    trigger: str
    where: Where


class TreeDevice(NamedTuple):
    """An enabled node with registers.

    Attributes:
        path: Its path.
        compatible: What it is.
        registers: Its registers, as the CPU sees them.
        interrupts: Its interrupts.
        handed: Interrupts of what is behind it, by `interrupt-map`.
        waits: Its driver works when an interrupt comes: it is no clock, timer or mere collection of registers.
        where: Its place.
    """

    path: str
    compatible: tuple[str, ...]
    registers: tuple[Extent, ...]
    interrupts: tuple[TreeInterrupt, ...]
    handed: tuple[TreeInterrupt, ...]
    waits: bool
    where: Where


class GuestTree(NamedTuple):
    """A device tree of a virtual machine.

    Attributes:
        machine: The virtual machine; empty where nobody can tell.
        memory: Its RAM.
        initrd: Where it says the initial RAM disk starts, and where it ends; each None where it does not.
        devices: Its enabled nodes with registers or interrupts.
        whole: It has an interrupt controller: it is no part of one only.
        where: Its place.
    """

    machine: str
    memory: tuple[Extent, ...]
    initrd: tuple[tuple[int, Where] | None, tuple[int, Where] | None]
    devices: tuple[TreeDevice, ...]
    whole: bool
    where: Where


class GuestFile(NamedTuple):
    """A file of a guest in its VMM's program image.

    Attributes:
        machine: The virtual machine.
        what: `kernel`, `dtb` or `initrd`.
        size_bytes: What it takes in RAM.
        offset_bytes: How far above the start of RAM a kernel wants to lie.
        where: The image.
    """

    machine: str
    what: str
    size_bytes: int
    offset_bytes: int
    where: Where


class Resource(NamedTuple):
    """Addresses that a configuration structure of a program image names.

    Attributes:
        space: The protection domain or the virtual machine whose addresses they are.
        guest: It is a virtual machine.
        path: The part of the structure.
        start: The first address.
        size_bytes: How many.
        io_addr: The physical address that it says they have; 0 where it says none.
        where: The image.
    """

    space: str
    guest: bool
    path: str
    start: int
    size_bytes: int
    io_addr: int
    where: Where


class ResourceId(NamedTuple):
    """A channel id that a configuration structure of a program image names.

    Attributes:
        pd: The protection domain.
        path: The part of the structure.
        id: The id.
        where: The image.
    """

    pd: str
    path: str
    id: int
    where: Where


class Constant(NamedTuple):
    """A number that a C file of a VMM names, or a configuration structure in its image.

    Attributes:
        machine: The virtual machine of that VMM; empty where nobody can tell.
        what: What it is of it: `ram_bytes`, `ram_start`, `initrd` or `dtb`; or with the name of a device behind it,
            `registers` or `virtual` of one that the VMM plays, `irq` or `channel` of one that it hands on.
        name: What the file calls it.
        value: The number.
        where: Its place.
    """

    machine: str
    what: str
    name: str
    value: int
    where: Where
