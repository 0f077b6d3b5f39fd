"""What the modules of a subsystem's folder give to the rest: spec, resolve, emit, checks, programs.

`model` holds the subsystem's own values, and `rules` registers its rules when it is loaded; the others are here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.emit.c.device import DeviceConfig
    from sdfgen.emit.devicetree.tree import Node
    from sdfgen.guests.machine import Machine
    from sdfgen.guests.timer import TimerBuilder
    from sdfgen.layout.context import Context, Parts
    from sdfgen.layout.native import Native
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.microkit import Origin
    from sdfgen.model.program import Folders, Program
    from sdfgen.model.system import Service, Storage, System, Terminal
    from sdfgen.model.told import Field
    from sdfgen.spec.description import Extension

NO_CHAINS: Mapping[str, frozenset[str]] = {}


class Spec(Protocol):
    """Module `spec`: what it adds to descriptions and board files."""

    EXTENSION: Extension


class Clients(NamedTuple):
    """Who may be served.

    Attributes:
        guests: The guests, in the order of their names.
        natives: The protection domains that have a key of some subsystem's, in the order of theirs.
        timer: What wakes whoever must not wait for ever; there is one where there is a guest.
    """

    guests: tuple[Machine, ...]
    natives: tuple[Native, ...]
    timer: TimerBuilder


class ElfPatch(NamedTuple):
    """A region's physical address, which goes into a symbol of an ELF."""

    elf: str
    symbol: str
    region: str
    origin: Origin


class ElfValue(NamedTuple):
    """A value for a variable of an ELF, or for a part of one.

    Attributes:
        elf: The ELF.
        symbol: The symbol or path.
        value: A number, or one for each element of an array.
        size_bytes: Bytes of a number or of each element.
        origin: What asks for it.
        why: Where the value comes from, in words.
    """

    elf: str
    symbol: str
    value: int | tuple[int, ...]
    size_bytes: int
    origin: Origin
    why: str


class Resolved(NamedTuple):
    """What a subsystem makes of its tables.

    Attributes:
        model: Its values in the system; None when the description has nothing of it.
        parts: Its protection domains, regions and channels.
        told: Names of the regions whose physical address somebody learns.
        placed: Those of them that get their address here.
        patches: Physical addresses that go into ELFs.
        values: What else does.
        elves: ELFs that it makes and that are no program images.
        storage: Disks that the hardware must have for it.
        names: Kind, name and origin of what has a name of its own in its tables.
        chains: Through whom the requests of each of its services go: a client's own part is its own loss.
        services: What somebody may do through it.
        terminals: Consoles that one can type into.
    """

    model: Any
    parts: Parts
    told: frozenset[str] = frozenset()
    placed: frozenset[str] = frozenset()
    patches: tuple[ElfPatch, ...] = ()
    values: tuple[ElfValue, ...] = ()
    elves: tuple[str, ...] = ()
    storage: tuple[Storage, ...] = ()
    names: tuple[tuple[str, str, Origin], ...] = ()
    chains: Mapping[str, frozenset[str]] = NO_CHAINS
    services: tuple[Service, ...] = ()
    terminals: tuple[Terminal, ...] = ()


class Resolve(Protocol):
    """Module `resolve`: from tables to protection domains, regions, channels and devices of guests."""

    def resolve(self, context: Context, clients: Clients) -> Resolved:
        """Make what the description has of the subsystem; add to guests and native clients what they get."""


class Emit(Protocol):
    """Module `emit`: files of a system, and what stands of the subsystem in what others emit.

    Attributes:
        DEVICE_KINDS: The kinds of emulated devices that are the subsystem's.
    """

    DEVICE_KINDS: tuple[str, ...]

    def files(self, system: System) -> Mapping[str, bytes]:
        """Return its files by path in the board's folder; C files are `src/*.c`."""

    def device_config(self, system: System, guest: Guest, device: EmulatedDevice) -> DeviceConfig:
        """Return what C is told of one of its emulated devices."""

    def nodes(self, system: System, guest: Guest) -> tuple[Node, ...]:
        """Return its nodes in a guest's device tree."""

    def records(self, system: System) -> Mapping[str, list[dict[str, Any]]]:
        """Return its sections of the manifest."""


class Checks(Protocol):
    """Module `checks`: what its files must say, for those who read them back. It shares nothing with `emit`."""

    def tables(self, system: System) -> Mapping[str, Mapping[str, Any]]:
        """Return what the variables of its C tables hold, by variable, by file: `sdfgen.model.told`."""

    def device_config(self, system: System, guest: Guest, device: EmulatedDevice) -> object:
        """Return what the configuration of one of its emulated devices holds; None for a kind without one."""

    def nodes(self, system: System, guest: Guest) -> Mapping[str, dict[str, Any]]:
        """Return the properties of its nodes in a guest's device tree, by the node's path."""

    def fields(self, system: System) -> Mapping[str, list[Field]]:
        """Return the numbers in its binary files, by file."""


class Programs(Protocol):
    """Module `programs`: which ELFs are made from which C.

    Attributes:
        DEVICE_FOLDERS: What a VMM needs for each of its kinds of emulated devices.
    """

    DEVICE_FOLDERS: Mapping[str, Folders]

    def programs(self, system: System) -> tuple[Program, ...]:
        """Return the programs."""

    def tables(self, system: System) -> Mapping[str, Origin]:
        """Return generated C that is compiled for programs of the author's, each with the table it comes from."""
