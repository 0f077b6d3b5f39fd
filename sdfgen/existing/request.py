"""What somebody asks to be checked."""

from __future__ import annotations

from sdfgen.records import NamedTuple


class Request(NamedTuple):
    """What to check, and for what.

    Attributes:
        path: The system file, `-` for standard input.
        board: The board; None where nobody says.
        microkit: The Microkit version; None for the newest that takes the file.
        config: The Microkit configuration; None for the one that the file's cores ask for.
        includes: Folders that files may be included from.
        search: Folders in which program images and prefill files are looked for.
        trees: Device trees of its guests, source or flattened, some as `MACHINE=FILE`; parts of one in their order.
        numbers: C files of its VMMs, some as `MACHINE=FILE`.
        elves: Program images, as `DOMAIN=FILE`.
        defines: Macros for device trees and C files, as `NAME` or `NAME=VALUE`.
        names: More constants of C files, each with what it is.
    """

    path: str
    board: str | None = None
    microkit: str | None = None
    config: str | None = None
    includes: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    elves: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()

    @property
    def macros(self) -> dict[str, str]:
        """The macros with their texts; one of which none is said is 1, as compilers have it."""
        pairs = (text.partition("=") for text in self.defines)
        return {name: value if equals else "1" for name, equals, value in pairs}
