"""What Microkit knows: regions, protection domains, channels.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from typing import NewType, Protocol

from sdfgen.faults.source import Where
from sdfgen.records import NamedTuple
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES

Paddr = NewType("Paddr", int)
"""A physical address."""
Vaddr = NewType("Vaddr", int)
"""A virtual address in a protection domain."""
Gpa = NewType("Gpa", int)
"""A guest-physical address in a virtual machine."""


NO_ROOM = "no window of the board has room"
"""Why a region that others must know the address of has none."""

PAGE_SIZES = (PAGE_BYTES, LARGE_PAGE_BYTES)
"""What Microkit takes for page sizes on AArch64."""


class Origin(Protocol):
    """Whatever a value was derived from; only the places matter here."""

    def at(self, name: str) -> Where:
        """Return the place of one property, or of the whole when it has none of its own."""

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this property."""


class Region(NamedTuple):
    """A memory region.

    Attributes:
        name: Its name.
        size_bytes: Its size; None when nothing says it.
        page_size_bytes: The page size when one must be written.
        phys_addr: Its physical address; None when Microkit chooses.
        prefill_path: File with its first content.
        prefill_bootinfo: Boot information with its first content.
        prefill_made: The file is made by the build.
        why: Where its address comes from, for the manifest.
        key: Of a region that sdfgen made, the key of `origin` that decides about it.
    """

    name: str
    size_bytes: int | None
    origin: Origin
    page_size_bytes: int | None = None
    phys_addr: Paddr | None = None
    prefill_path: str | None = None
    prefill_bootinfo: str | None = None
    prefill_made: bool = False
    why: str = ""
    key: str | None = None

    @property
    def checked_page_bytes(self) -> int:
        """The page size that numbers are checked against: what is written, if it is one."""
        return self.page_size_bytes if self.page_size_bytes in PAGE_SIZES else PAGE_BYTES


class Map(NamedTuple):
    """A mapping of a region, by name, at a virtual or guest-physical address."""

    region: str
    vaddr: Vaddr | Gpa
    origin: Origin
    perms: str = "rw"
    cached: bool = True
    setvar_vaddr: str | None = None
    setvar_size: str | None = None
    setvar_prefill_size: str | None = None
    why: str = ""


class Irq(NamedTuple):
    """A hardware interrupt, by INTID, delivered on a channel id."""

    irq: int
    id: int
    origin: Origin
    trigger: str = "level"
    setvar_id: str | None = None


class Setvar(NamedTuple):
    """A symbol that takes the physical address of a region."""

    symbol: str
    region: str
    origin: Origin


class Vcpu(NamedTuple):
    """A virtual CPU; `core_why` says for the manifest where its core comes from."""

    id: int
    origin: Origin
    cpu: int | None = None
    setvar_id: str | None = None
    core_why: str = ""


class VirtualMachine(NamedTuple):
    """A virtual machine, served by the protection domain that holds it."""

    name: str
    origin: Origin
    vcpus: tuple[Vcpu, ...]
    maps: tuple[Map, ...]
    priority: int = 0
    budget_us: int | None = None
    period_us: int | None = None


class Cap(NamedTuple):
    """A capability of another protection domain's object."""

    kind: str
    slot: int
    pd: str
    origin: Origin


class ProtectionDomain(NamedTuple):
    """A protection domain with all it holds.

    `parent` is the name of the one around it; `core_why` says for the manifest where its core comes from. `pp` is for
    Microkit 1.4.1: it could be called, and nobody has a channel to it.
    """

    name: str
    origin: Origin
    program_image: str
    path_for_symbols: str | None = None
    priority: int = 0
    budget_us: int | None = None
    period_us: int | None = None
    passive: bool = False
    stack_size_bytes: int | None = None
    smc: bool = False
    pp: bool = False
    cpu: int | None = None
    fpu: bool | None = None
    domain: str | None = None
    id: int | None = None
    setvar_id: str | None = None
    parent: str | None = None
    trusted: bool = True
    maps: tuple[Map, ...] = ()
    irqs: tuple[Irq, ...] = ()
    setvars: tuple[Setvar, ...] = ()
    caps: tuple[Cap, ...] = ()
    vm: VirtualMachine | None = None
    children: tuple["ProtectionDomain", ...] = ()
    core_why: str = ""


class End(NamedTuple):
    """One end of a channel."""

    pd: str
    id: int
    origin: Origin
    pp: bool = False
    notify: bool = True
    setvar_id: str | None = None


class Channel(NamedTuple):
    """A channel; a well-formed one has two ends."""

    ends: tuple[End, ...]
    origin: Origin


class ScheduleEntry(NamedTuple):
    """An entry of the domain schedule."""

    domain: str | None
    duration: str | None
    end_marker: bool
    origin: Origin


class Domains(NamedTuple):
    """The scheduling domains.

    `ids` has one for each name, None where Microkit chooses it, or is empty when it chooses all.
    """

    names: tuple[str, ...]
    schedule: tuple[ScheduleEntry, ...]
    start_index: int
    index_shift: int | None
    origin: Origin
    ids: tuple[int | None, ...] = ()
