"""The block subsystem's values in a system.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from typing import NamedTuple

from sdfgen.model.guest import Guest, GuestTimer
from sdfgen.model.microkit import Gpa, Origin, Vaddr


class UioMap(NamedTuple):
    """One of the driver VM's UIO mappings.

    Attributes:
        name: Its name in `reg-names`.
        gpa: Where the guest sees it.
        size_bytes: Its size.
        region: The region behind it; None for the notify page, which is mapped nowhere.
        device: Index of the UIO device that carries it.
        number: Its index in that device.
    """

    name: str
    gpa: Gpa
    size_bytes: int
    region: str | None
    device: int
    number: int


class PhysAddrSlot(NamedTuple):
    """An entry of the page that tells the driver VM physical addresses, and the symbol that carries it."""

    name: str
    symbol: str
    region: str
    size_bytes: int
    map_index: int


class Queues(NamedTuple):
    """One connection to the virtualiser as one of its two parties sees it."""

    storage_info: Vaddr
    requests: Vaddr
    responses: Vaddr
    data: Vaddr | None
    channel: int


class Client(NamedTuple):
    """A client of the block subsystem; at `virtio_vaddr` its VMM writes the registers that its guest reads."""

    name: str
    pd: str
    partition: int
    data_region: str
    data_bytes: int
    capacity: int
    read_only: bool
    near: Queues
    far: Queues
    io_symbol: str
    guest: Guest | None
    virtio_vaddr: Vaddr | None
    virtio_gpa: Gpa
    virtio_bytes: int
    virtio_intid: int
    origin: Origin


class Driver(NamedTuple):
    """The driver VM; `devices` names the UIO devices that carry its maps."""

    guest: Guest
    storage: str
    capacity: int
    maps: tuple[UioMap, ...]
    devices: tuple[str, ...]
    intid: int
    notify_gpa: Gpa
    slots: tuple[PhysAddrSlot, ...]
    dtb: str | None
    origin: Origin
    channel: int = 0
    phys_addr_vaddr: Vaddr = Vaddr(0)


class Block(NamedTuple):
    """The block subsystem.

    `extended`: driver and virtualiser know the requests beyond sDDF's (DISCARD, WRITE_ZEROES).
    """

    physical_addresses: str
    prefilled: bool
    extended: bool
    driver: Driver
    virt: str
    virt_queues: Queues
    virt_data_region: str
    virt_data_bytes: int
    virt_io_symbol: str
    clients: tuple[Client, ...]
    timer: GuestTimer
    origin: Origin
