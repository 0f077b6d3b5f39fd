"""Programs that a build makes.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from sdfgen.model.microkit import Origin
from sdfgen.records import NamedTuple


class Program(NamedTuple):
    """A program: what it is made of, and what that needs.

    Folders are those of templates/c, and stand for all C files in them.

    Attributes:
        elf: Its file name.
        origin: The table that it is made for.
        domain: The protection domain whose program image it is; None for a Linux program.
        tables: Generated C files that make it this system's.
        folders: Folders that are linked whole.
        libraries: Folders of which it takes what it uses.
        vmm: It stands on libvmm.
        guest: The guest whose files are linked into it; None for nobody's.
    """

    elf: str
    origin: Origin
    domain: str | None
    tables: tuple[str, ...]
    folders: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    vmm: bool = False
    guest: str | None = None


class Folders(NamedTuple):
    """What a VMM needs for one kind of device: folders that are linked whole, and those it takes some of."""

    folders: tuple[str, ...]
    libraries: tuple[str, ...] = ()
