"""The block subsystem's values in a system.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from sdfgen.model.guest import TimerLink
from sdfgen.model.microkit import Gpa, Origin, Vaddr
from sdfgen.model.system import System
from sdfgen.records import NamedTuple
from sdfgen.subsystems.block.partition_name import PartitionName

NAME = "block"
"""The subsystem's, and of a block subsystem that the description gives no other."""
MAX_CAPACITY = 0x8000
MAX_DISKS = 61
"""A protection domain has 62 channel ids; one of the virtualiser's is the driver's, and one the guest timer's."""
VIRTUALISER_DATA = "virt_data"
"""Map name of the virtualiser's own data region."""


class UioMap(NamedTuple):
    """One of a driver VM's UIO mappings.

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
    data: Vaddr
    channel: int


class Disk(NamedTuple):
    """A client's disk.

    Attributes:
        owner: The guest or protection domain that has it.
        name: Its name there.
        position: Its place among its owner's disks.
        pd: The protection domain that speaks to the virtualiser for it.
        partition: How its partition is named.
        data_region: The region that its data goes through.
        data_bytes: That region's size.
        capacity: Slots of its queues.
        read_only: Writes are refused.
        weight: Its share beside others'.
        bandwidth: The most bytes a second; 0 for as many as there can be.
        iops: The most requests a second; likewise.
        near: How its owner's domain sees the connection.
        far: How the virtualiser does.
        io_symbol: The symbol that carries the io address of its data region.
        sddf: Its owner is a client of sDDF's: no requests beyond those, and told of it as sDDF does.
        registers: Where a VMM writes the registers that its guest reads; None for a native client.
        origin: Its table.
    """

    owner: str
    name: str
    position: int
    pd: str
    partition: PartitionName
    data_region: str
    data_bytes: int
    capacity: int
    read_only: bool
    weight: int
    bandwidth: int
    iops: int
    near: Queues
    far: Queues
    io_symbol: str
    sddf: bool
    registers: Vaddr | None
    origin: Origin

    @property
    def resilient(self) -> bool:
        """Its owner's side knows what this project adds to sDDF for drivers that die: our VMM does."""
        return self.registers is not None

    @property
    def label(self) -> str:
        """What it is called where names of several clients stand side by side."""
        return f"{self.owner}_{self.name}"


class Driver(NamedTuple):
    """The driver VM's side; `devices` names the UIO devices that carry its maps."""

    guest: str
    storage: str
    capacity: int
    maps: tuple[UioMap, ...]
    devices: tuple[str, ...]
    slots: tuple[PhysAddrSlot, ...]
    phys_addr_vaddr: Vaddr
    elf: str


class Block(NamedTuple):
    """A block subsystem.

    Attributes:
        name: Its name.
        learned: Microkit chooses the physical addresses of its data regions.
        prefilled: The image holds the phys-addr page.
        extended: Driver and virtualiser know the requests beyond sDDF's (DISCARD, WRITE_ZEROES).
        driver: The driver VM's side.
        virt: The virtualiser's protection domain.
        virt_queues: How it sees the connection to the driver VM.
        virt_data_region: Its own data region.
        virt_data_bytes: That region's size.
        virt_io_symbol: The symbol that carries that region's io address.
        disks: The disks, in the order of the virtualiser's table.
        timeout_ms: How long a request may take; 0 for ever.
        timer: How the virtualiser reaches the guest timer; None where nothing has a time.
        lost_disks: There may be more: of some disk it was not found out which block subsystem it is of.
        origin: Its table.
        virt_origin: The virtualiser's.
    """

    name: str
    learned: bool
    prefilled: bool
    extended: bool
    driver: Driver
    virt: str
    virt_queues: Queues
    virt_data_region: str
    virt_data_bytes: int
    virt_io_symbol: str
    disks: tuple[Disk, ...]
    timeout_ms: int
    timer: TimerLink | None
    lost_disks: bool
    origin: Origin
    virt_origin: Origin


def blocks_of(system: System) -> tuple[Block, ...]:
    """Return the block subsystems of a system."""
    found: tuple[Block, ...] = system.parts.get(NAME, ())
    return found


def phys_addr_file(block: str) -> str:
    """Return the file that holds the content of a prefilled phys-addr page, in the board's folder."""
    return f"{block}_phys_addr.bin"
