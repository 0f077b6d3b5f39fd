"""What a person may write in `system.toml`; docs/reference.md is generated from these tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sdfgen.records import NamedTuple
from sdfgen.schema.readers import Expressions, ListOf, Name, Number, Text
from sdfgen.schema.table import Key, Many, One, Table, key
from sdfgen.spec.guest import GuestTable, GuestTimerTable
from sdfgen.spec.microkit import (
    X86_ONLY,
    ChannelTable,
    DomainsTable,
    MemoryRegionTable,
    PdIrqTable,
    PdMapTable,
    PdSetvarTable,
    ProtectionDomainTable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sdfgen.faults.source import Where


class SystemTable(Table):
    """The system as a whole."""

    name: str = key(Name(), "Name of the system; the emitted file is `NAME.system`.")
    boards: tuple[str, ...] = key(ListOf(Name()), "Boards to build for, each a file in `boards/`.")
    microkit: str = key(
        Text(),
        "Microkit version whose grammar is emitted: 1.4.1, 2.0.1, 2.1.0, 2.2.0 or 2.3.0.",
        default="2.3.0",
    )
    image: str = key(
        Text(),
        "Form of the bootable image: `binary`, or `elf` (from Microkit 2.1.0) with its addresses inside.",
        default="binary",
    )
    config: str = key(Text(), "Microkit configuration: debug, release, benchmark or an smp one.", default="debug")


class PatchTable(Table):
    """A value written into a variable of an ELF after it is linked; docs/patching.md tells what is checked."""

    elf: str = key(Text(), "The ELF: a program image, or a file relative to this one.")
    symbol: str = key(
        Text(),
        "A symbol, or with debug information a path such as `config.clients[2].base`. `[.section]` stands for the one "
        "variable of a section.",
    )
    value: int | str | tuple[int | str, ...] | None = key(
        Expressions(),
        "A number, a list of one for each element of an array, or an expression of `phys_addr('REGION')`, "
        "`size('REGION')`, `vaddr('REGION', 'PD or VM')`, `channel('PD', 'OTHER PD')`, `irq('PD', INTID)`, numbers and "
        "+ - * // % << >> & | ( ).",
        default=None,
        default_doc="required without `text`",
    )
    text: str | None = key(
        Text(), "Instead of `value`: text for an array of char, which keeps a NUL at its end.", default=None
    )
    size: int | None = key(
        Number(),
        "Bytes that the variable must have: 1, 2, 4 or 8; of a list, each element; of text, the whole array. Lists and "
        "text without it need debug information.",
        default=None,
        default_doc="what the variable has",
    )


class ToolchainTable(Table):
    """Programs that the build uses."""

    cc: str = key(
        Text(),
        "`zig`, or the prefix of a GCC cross compiler such as `aarch64-linux-gnu-`.",
        default="zig",
    )
    microkit_sdk: str | None = key(
        Text(), "The Microkit SDK.", default=None, default_doc="the environment's `MICROKIT_SDK`"
    )
    libvmm: str | None = key(
        Text(),
        "libvmm: a folder with `include/` and `libvmm.a`.",
        default=None,
        default_doc="the environment's `LIBVMM`",
    )


class Spec(Table):
    """The whole description. `include = [...]` and `[board.NAME]` are resolved before it is read."""

    system: SystemTable = key(One(SystemTable), "The system as a whole.")
    guest: tuple[GuestTable, ...] = key(Many(GuestTable), "Linux guests.", default=())
    guest_timer: GuestTimerTable | None = key(
        One(GuestTimerTable), "What wakes guests that wait.", default=None, default_doc="one with defaults"
    )
    protection_domain: tuple[ProtectionDomainTable, ...] = key(
        Many(ProtectionDomainTable), "Raw protection domains.", default=()
    )
    memory_region: tuple[MemoryRegionTable, ...] = key(Many(MemoryRegionTable), "Raw memory regions.", default=())
    channel: tuple[ChannelTable, ...] = key(Many(ChannelTable), "Raw channels.", default=())
    map: tuple[PdMapTable, ...] = key(Many(PdMapTable), "Mappings added to existing domains.", default=())
    irq: tuple[PdIrqTable, ...] = key(Many(PdIrqTable), "Interrupts added to existing domains.", default=())
    setvar: tuple[PdSetvarTable, ...] = key(Many(PdSetvarTable), "Setvars added to existing domains.", default=())
    domains: DomainsTable | None = key(One(DomainsTable), "Scheduling domains.", default=None)
    patch: tuple[PatchTable, ...] = key(Many(PatchTable), "Values patched into ELFs.", default=())
    toolchain: ToolchainTable | None = key(One(ToolchainTable), "Programs of the build.", default=None)
    foreign: ClassVar[Mapping[str, str]] = {"io_address_space": "needs an x86 IOMMU", "ioport": X86_ONLY}


Need = tuple[str, "Where", tuple[str, ...]]
"""Who needs something of the board file, where that stands, and the tables."""


NO_KEYS: Mapping[str, Key] = {}


def _nobody(_spec: Spec) -> bool:
    return False


def _none(_spec: Spec) -> frozenset[str]:
    return frozenset()


class Extension(NamedTuple):
    """What a subsystem adds to descriptions.

    Attributes:
        tables: Keys of the description: the subsystem's own tables.
        client_keys: Keys of guests and protection domains, by which they become its clients.
        domain_keys: Keys of protection domains only, which say how they are its clients.
        watches: Tells of a description whether somebody reads what protection domains count.
        board_tables: Keys of board files.
        moved: Keys of earlier versions, as dotted paths with `[]` behind arrays, and how each is written now.
        codes: Title and explanation of the faults that are found while it is resolved, by code.
        needs: Yields what of a description needs which tables of the board file.
        served: Returns names of protection domains that it gives something to and that have none of its keys.
    """

    tables: Mapping[str, Key]
    client_keys: Mapping[str, Key]
    board_tables: Mapping[str, Key]
    moved: Mapping[str, str]
    codes: Mapping[str, tuple[str, str]]
    needs: Callable[[Spec], Iterable[Need]]
    domain_keys: Mapping[str, Key] = NO_KEYS
    watches: Callable[[Spec], bool] = _nobody
    served: Callable[[Spec], frozenset[str]] = _none


def spec_type(extensions: tuple[Extension, ...]) -> type[Spec]:
    """Return the description's type with what the subsystems add to it.

    Args:
        extensions: What each of them adds.
    """
    client_keys = {name: wanted for extension in extensions for name, wanted in extension.client_keys.items()}
    guest = GuestTable.with_keys(client_keys)
    children = ProtectionDomainTable.keys["protection_domain"]
    domain_keys = {name: wanted for extension in extensions for name, wanted in extension.domain_keys.items()}
    pd = ProtectionDomainTable.with_keys(
        {**client_keys, **domain_keys}, protection_domain=children._replace(reader=Many(None))
    )
    tables = {name: wanted for extension in extensions for name, wanted in extension.tables.items()}
    own = {
        "guest": Spec.keys["guest"]._replace(reader=Many(guest)),
        "protection_domain": Spec.keys["protection_domain"]._replace(reader=Many(pd)),
    }
    return Spec.with_keys(tables, **own)
