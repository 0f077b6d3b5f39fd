"""Which core everything that is made here runs on, where the author leaves that open; docs/decisions.md says why so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.model.microkit import ProtectionDomain

SERVICE_CORE = 0
DRIVER_CORE = 1
CORES_FOR_DRIVERS = 4
"""From so many on, drivers have one of their own."""

WRITTEN = "description"
SERVES = "serves others"
DRIVES = "drives hardware for others"
FREE = "the least loaded of the guests' cores"
MORE = "more virtual CPUs than the guests have cores"
TOGETHER = "with its guest's first virtual CPU"


class Wish(NamedTuple):
    """A protection domain, and the virtual machine that it may have.

    Attributes:
        name: Its name.
        core: Its core if that is written.
        vcpus: The same of each virtual CPU; nothing without a virtual machine.
        drives: It is the VMM of a guest that drives hardware for others.
    """

    name: str
    core: int | None = None
    vcpus: tuple[int | None, ...] = ()
    drives: bool = False

    def written(self, cores: int) -> tuple[int | None, ...]:
        """Return the cores of the virtual CPUs; the first is its VMM's where that alone is written.

        Args:
            cores: How many there are; one that there is not is a rule's fault, and nobody follows there.
        """
        if not self.vcpus or self.vcpus[0] is not None or self.core not in range(cores):
            return self.vcpus
        return (self.core, *self.vcpus[1:])


class Seat(NamedTuple):
    """A core, and why that one."""

    core: int
    why: str


class Placed(NamedTuple):
    """Where a protection domain runs, and each of its virtual CPUs."""

    core: Seat
    vcpus: tuple[Seat, ...] = ()


def place(wishes: Iterable[Wish], cores: int, taken: Iterable[int] = ()) -> dict[str, Placed]:
    """Return where each protection domain runs; what is written is kept, and counts as load.

    Args:
        wishes: The protection domains; their order changes nothing.
        cores: How many cores there are, at least one.
        taken: A core for each thread besides them.
    """
    ordered = sorted(wishes, key=lambda wish: wish.name)
    room = _Room(ordered, cores, taken)
    placed = {wish.name: Placed(_seat(wish.core, SERVICE_CORE, SERVES)) for wish in ordered if not wish.vcpus}
    for wish in sorted((wish for wish in ordered if wish.vcpus), key=lambda wish: not wish.drives):
        vcpus = tuple(room.seats(wish))
        placed[wish.name] = Placed(_seat(wish.core, vcpus[0].core, TOGETHER), vcpus)
    return placed


def _seat(written: int | None, otherwise: int, why: str) -> Seat:
    return Seat(otherwise, why) if written is None else Seat(written, WRITTEN)


class _Room:
    """How many threads of guests each core has, and which cores are whose."""

    def __init__(self, wishes: list[Wish], cores: int, taken: Iterable[int]) -> None:
        every = range(cores)
        own = DRIVER_CORE if cores >= CORES_FOR_DRIVERS else SERVICE_CORE
        services = {_seat(wish.core, SERVICE_CORE, "").core for wish in wishes if not wish.vcpus}
        drivers = {_seat(wish.written(cores)[0], own, "").core for wish in wishes if wish.drives}
        guests = [core for core in every if core not in services | drivers]
        self._guests = guests or [core for core in every if core not in services] or list(every)
        self._drivers = [own]
        self._services = [core for core in every if core in services]
        self._every = list(every)
        self._loads = dict.fromkeys(every, 0)
        for core in (*taken, *(core for wish in wishes for core in _written(wish, cores))):
            self._count(core)

    def seats(self, wish: Wish) -> Iterator[Seat]:
        """Yield where each virtual CPU of a guest runs: on cores of their own as long as there are any.

        Args:
            wish: The guest's VMM.
        """
        vcpus = wish.written(len(self._every))
        used = {core for core in vcpus if core is not None}
        for core in vcpus:
            if core is not None:
                yield Seat(core, WRITTEN)
                continue
            seat = self._free(wish, used)
            used.add(seat.core)
            self._count(seat.core)
            yield seat

    def _free(self, wish: Wish, used: set[int]) -> Seat:
        own = [(self._drivers, DRIVES), (self._services, DRIVES)] if wish.drives else []
        for cores, why in (*own, (self._guests, FREE), (self._every, MORE)):
            free = [core for core in cores if core not in used]
            if free:
                return Seat(self._least(free), why)
        return Seat(self._least(self._guests), MORE)

    def _least(self, cores: list[int]) -> int:
        return min(cores, key=lambda core: (self._loads[core], core))

    def _count(self, core: int) -> None:
        if core in self._loads:  # another is a rule's fault
            self._loads[core] += 1


def _written(wish: Wish, cores: int) -> Iterator[int]:
    """Yield a core for each thread whose core is written; a VMM waits mostly, and counts where its guest does not."""
    vcpus = wish.written(cores)
    yield from (core for core in vcpus if core is not None)
    if wish.core is not None and wish.core != (vcpus[0] if vcpus else None):
        yield wish.core


def with_cores(
    pds: Iterable[ProtectionDomain], drivers: frozenset[str], cores: int, taken: Iterable[int]
) -> tuple[ProtectionDomain, ...]:
    """Return protection domains with the cores that they and their virtual CPUs run on.

    Args:
        pds: The protection domains that are made here; what is written of their cores is there.
        drivers: Names of the VMMs of guests that drive hardware for others.
        cores: How many cores there are.
        taken: A core for each thread besides them.
    """
    pds = tuple(pds)
    wishes = (Wish(pd.name, pd.cpu, _vcpus(pd), pd.name in drivers) for pd in pds)
    placed = place(wishes, cores, taken)
    return tuple(_seated(pd, placed[pd.name]) for pd in pds)


def _vcpus(pd: ProtectionDomain) -> tuple[int | None, ...]:
    return tuple(vcpu.cpu for vcpu in pd.vm.vcpus) if pd.vm is not None else ()


def _seated(pd: ProtectionDomain, at: Placed) -> ProtectionDomain:
    vm = pd.vm
    if vm is not None:
        seats = zip(vm.vcpus, at.vcpus, strict=True)
        vm = vm._replace(vcpus=tuple(vcpu._replace(cpu=seat.core, core_why=seat.why) for vcpu, seat in seats))
    return pd._replace(cpu=at.core.core, core_why=at.core.why, vm=vm)
