"""The system as every later phase sees it: frozen values without a trace of TOML, XML or C.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from sdfgen.facts.board import Board
from sdfgen.facts.dialects import Dialect
from sdfgen.model.counted import Counted
from sdfgen.model.guest import Guest, GuestTimer
from sdfgen.model.microkit import Channel, Domains, Map, Origin, ProtectionDomain, Region, VirtualMachine
from sdfgen.model.tree import Constant, GuestFile, GuestTree, Resource, ResourceId
from sdfgen.records import NamedTuple


class Patch(NamedTuple):
    """A value for a variable of an ELF, or for a part of one.

    Attributes:
        elf: The ELF.
        symbol: The symbol, or the path of a part of it; `[.section]` stands for the one variable in a section.
        value: The value, as the patcher takes it; None while an address is still to be learned.
        size_bytes: Bytes that the variable must have, or each element of it; None for what it has.
        origin: Where it comes from.
        expression: What the value is computed from; of an array, a list of that in brackets.
        regions: The regions that it names.
        written: The description asks for it; all others are a subsystem's.
    """

    elf: str
    symbol: str
    value: int | tuple[int, ...] | str | None
    size_bytes: int | None
    origin: Origin
    expression: str
    regions: tuple[str, ...] = ()
    written: bool = False


class WantedPartition(NamedTuple):
    """A partition that somebody is given.

    Attributes:
        name: What it is called.
        entry: Its place in the partition table; None when any will do.
        uuid: The identifier that it must have, an MBR's or a GPT's; None when any will do.
        label: Likewise its label.
        origin: The disk of the first who is given it.
    """

    name: str
    entry: int | None
    uuid: str | None
    label: str | None
    origin: Origin


class Storage(NamedTuple):
    """A disk that the hardware must have.

    Attributes:
        name: The subsystem that it is for.
        guest: The guest that drives it.
        partitions: The partitions that somebody is given.
        origin: Where it comes from.
        device: What Linux calls it there.
    """

    name: str
    guest: str
    partitions: tuple[WantedPartition, ...]
    origin: Origin
    device: str


class Service(NamedTuple):
    """What somebody may do with something that no map or channel tells of, because others do it for him.

    Attributes:
        who: The guest or protection domain.
        may: What he may do, in words such as `read`.
        what: With what, in words.
        origin: Where it comes from.
        key: The key of `origin` that decides about it.
    """

    who: str
    may: tuple[str, ...]
    what: str
    origin: Origin
    key: str


class Terminal(NamedTuple):
    """A console that one can type into: whose, and the number by which it is chosen."""

    owner: str
    number: int


class System(NamedTuple):
    """Everything that is emitted for one board.

    Attributes:
        name: Its name.
        board: The board.
        dialect: The Microkit version.
        config: The Microkit configuration.
        image: The form of the bootable image, as the tool calls it.
        pds: The protection domains.
        regions: The memory regions.
        channels: The channels.
        domains: The scheduling domains; None without any.
        guests: The Linux guests, in the order of their names.
        guest_timer: What wakes them; None without guests.
        parts: What each subsystem has in the system, by the subsystem's name.
        storage: Disks that the hardware must have.
        more_names: Kind, name and origin of what has a name besides domains, machines and regions.
        chains: Through whom each service's requests go: names of domains and machines, by the service in words.
        counted: Protection domains that count, and what.
        told_regions: Regions whose physical address somebody learns: their pages must follow each other.
        patches: Values for symbols of ELFs.
        elves: ELFs that are made here and are no program images.
        made_images: Program images that are made here unless they lie beside the description.
        images: The ELFs to patch that exist already: path beside the description, by name.
        folder: The description's: relative file names start there.
        origin: Its table.
        folders: More folders in which files that it names are looked for, after `folder`.
        trees: Device trees of its virtual machines, as others wrote them.
        constants: What C files of its VMMs say, likewise.
        resources: Addresses in configuration structures of program images, likewise.
        resource_ids: Channel ids in them.
        guest_files: Files of guests in program images, likewise.
        placed: Where files that it names are, for those that somebody says it of.
        services: What somebody may do through others.
        terminals: Consoles that do not need the kernel's printing, and that one can type into.
    """

    name: str
    board: Board
    dialect: Dialect
    config: str
    image: str
    pds: tuple[ProtectionDomain, ...]
    regions: tuple[Region, ...]
    channels: tuple[Channel, ...]
    domains: Domains | None
    guests: tuple[Guest, ...]
    guest_timer: GuestTimer | None
    parts: Mapping[str, Any]
    storage: tuple[Storage, ...]
    more_names: tuple[tuple[str, str, Origin], ...]
    chains: Mapping[str, frozenset[str]]
    counted: tuple[Counted, ...]
    told_regions: frozenset[str]
    patches: tuple[Patch, ...]
    elves: tuple[str, ...]
    made_images: frozenset[str]
    images: dict[str, str]
    folder: str
    origin: Origin
    folders: tuple[str, ...] = ()
    trees: tuple[GuestTree, ...] = ()
    constants: tuple[Constant, ...] = ()
    resources: tuple[Resource, ...] = ()
    resource_ids: tuple[ResourceId, ...] = ()
    guest_files: tuple[GuestFile, ...] = ()
    placed: Mapping[str, str] = {}
    services: tuple[Service, ...] = ()
    terminals: tuple[Terminal, ...] = ()

    def find(self, name: str) -> str:
        """Return the path of a file that the system names: the first there is, or where it would be looked for first.

        Args:
            name: The file.
        """
        if name in self.placed:
            return self.placed[name]
        paths = [os.path.join(folder, name) for folder in (self.folder, *self.folders)]
        return next(filter(os.path.isfile, paths), paths[0])

    def all_pds(self) -> Iterator[ProtectionDomain]:
        """Yield every protection domain, parents before their children."""
        waiting = list(reversed(self.pds))
        while waiting:
            pd = waiting.pop()
            yield pd
            waiting.extend(reversed(pd.children))

    def vms(self) -> Iterator[tuple[ProtectionDomain, VirtualMachine]]:
        """Yield every virtual machine with its VMM."""
        for pd in self.all_pds():
            if pd.vm is not None:
                yield pd, pd.vm

    @property
    def core_count(self) -> int:
        """How many cores its kernel runs on."""
        return self.board.cores(self.config)

    def vcpu_cores(self, pd: ProtectionDomain) -> tuple[int, ...]:
        """Return the core that each virtual CPU of a protection domain's virtual machine runs on.

        Args:
            pd: The protection domain.
        """
        otherwise = pd.cpu or 0 if self.dialect.vcpu_beside_pd else 0
        vcpus = pd.vm.vcpus if pd.vm is not None else ()
        return tuple(otherwise if vcpu.cpu is None else vcpu.cpu for vcpu in vcpus)

    def vcpus_beside(self, pd: ProtectionDomain) -> tuple[int, ...]:
        """Return the virtual CPUs, by number, on the core of their VMM.

        Args:
            pd: The VMM.
        """
        return tuple(number for number, core in enumerate(self.vcpu_cores(pd)) if core == (pd.cpu or 0))

    def vcpus_apart(self, pd: ProtectionDomain) -> tuple[int, ...]:
        """Return the virtual CPUs, by number, on another core than their VMM, if others have a part of the VMM's.

        Args:
            pd: The VMM.
        """
        own, cores = pd.cpu or 0, self.vcpu_cores(pd)
        if set(cores) <= {own} or not any(self._wants(other, own) for other in self.all_pds() if other is not pd):
            return ()
        return tuple(number for number, core in enumerate(cores) if core != own)

    def _wants(self, pd: ProtectionDomain, core: int) -> bool:
        """Tell whether a domain may compute for as long as it likes on a core, or its virtual machine."""
        return core in self.vcpu_cores(pd) or (not pd.trusted and core == (pd.cpu or 0))

    def cores(self) -> dict[int, list[str]]:
        """Return who runs on each core: domains by name, machines with their VMMs by theirs, virtual CPUs by number.

        Nothing for a configuration of one core.
        """
        count = self.core_count
        found: dict[int, list[str]] = {core: [] for core in range(count)} if count > 1 else {}
        for pd in self.all_pds() if found else ():
            cores, own = self.vcpu_cores(pd), pd.cpu or 0
            if pd.vm is None or set(cores) != {own}:
                found[own].append(pd.name)
            if pd.vm is not None and len(set(cores)) == 1:
                found[cores[0]].append(pd.vm.name)
            elif pd.vm is not None:
                for vcpu, core in zip(pd.vm.vcpus, cores, strict=True):
                    found[core].append(f"{pd.vm.name} (vCPU {vcpu.id})")
        return found

    def spaces(self) -> Iterator[tuple[str, tuple[Map, ...]]]:
        """Yield name and maps of every protection domain, and then of every virtual machine."""
        yield from ((pd.name, pd.maps) for pd in self.all_pds())
        yield from ((vm.name, vm.maps) for _, vm in self.vms())

    def region_index(self) -> dict[str, Region]:
        """Return the regions by name; of two with one name, the first."""
        index: dict[str, Region] = {}
        for region in self.regions:
            index.setdefault(region.name, region)
        return index

    def images_by_pd(self) -> dict[str, str]:
        """Return the program image of every protection domain by its name."""
        return {pd.name: pd.program_image for pd in self.all_pds()}

    def guest(self, name: str) -> Guest:
        """Return the guest of a name."""
        return next(guest for guest in self.guests if guest.name == name)
