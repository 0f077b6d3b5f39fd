"""What can go wrong when a file is patched: stable codes and the one exception type."""

from __future__ import annotations

from typing import Final

UNREADABLE: Final = "PATCH001"
NOT_ELF: Final = "PATCH002"
UNSUPPORTED: Final = "PATCH003"
TRUNCATED: Final = "PATCH004"
MALFORMED: Final = "PATCH005"
STRIPPED: Final = "PATCH006"
MISSING: Final = "PATCH007"
AMBIGUOUS: Final = "PATCH008"
NOT_DATA: Final = "PATCH009"
WRONG_SIZE: Final = "PATCH010"
OUT_OF_RANGE: Final = "PATCH011"
NO_FILE_BYTES: Final = "PATCH012"
UNMAPPED: Final = "PATCH013"
RELOCATED: Final = "PATCH014"
CONFLICT: Final = "PATCH015"
OVERLAP: Final = "PATCH016"
BAD_PATH: Final = "PATCH017"
UNWRITABLE: Final = "PATCH018"
DISAGREEMENT: Final = "PATCH019"
DIFFERS: Final = "PATCH020"

CODES: Final = {
    UNREADABLE: "the input is missing, a directory or may not be read",
    NOT_ELF: "the input is empty or no ELF file",
    UNSUPPORTED: "the input is no 64-bit little-endian executable or shared object",
    TRUNCATED: "headers, a section or a segment lie beyond the end of the file",
    MALFORMED: "headers or tables contradict the format",
    STRIPPED: "the file has no symbol table",
    MISSING: "no symbol has this name",
    AMBIGUOUS: "more than one symbol has this name",
    NOT_DATA: "the symbol is a function, a section, undefined or otherwise no variable",
    WRONG_SIZE: "the variable has another size than the value",
    OUT_OF_RANGE: "the value is negative or does not fit the variable",
    NO_FILE_BYTES: "the variable is in .bss and so has no bytes in the file",
    UNMAPPED: "the variable is not inside exactly one loadable segment",
    RELOCATED: "the loader writes these bytes at start-up, so a patch would be lost",
    CONFLICT: "one symbol is requested with different values or sizes",
    OVERLAP: "two requests share bytes",
    BAD_PATH: "a path such as `config.clients[2].base` leads to no integer",
    UNWRITABLE: "the output cannot be written",
    DISAGREEMENT: "two independent readers of the file disagree, or a written value did not arrive",
    DIFFERS: "a verified value is not the requested one",
}
"""Every code with a summary of what it stands for."""


class PatchError(Exception):
    """A file cannot be read, patched or verified; nothing was changed.

    Attributes:
        code: Stable code, one of `CODES`.
        message: What is wrong; what to do.
        path: The file it is about, as the caller named it.
        symbol: The symbol it is about, or None when it is about the whole file.
        also: Further faults of the same file found in the same run.
    """

    def __init__(
        self,
        code: str,
        message: str,
        path: str,
        symbol: str | None = None,
        also: tuple[PatchError, ...] = (),
    ) -> None:
        super().__init__(code, message, path, symbol, also)
        self.code = code
        self.message = message
        self.path = path
        self.symbol = symbol
        self.also = also

    def __str__(self) -> str:
        return f"{self.path}: error[{self.code}]: {self.message}"

    @property
    def faults(self) -> tuple[PatchError, ...]:
        """This fault and the further ones, in the order of the requests."""
        return (self, *self.also)


def raise_all(faults: list[PatchError]) -> None:
    """Raise the first fault with the others attached; do nothing when there is none.

    Args:
        faults: Faults of one file.

    Raises:
        PatchError: There is a fault.
    """
    if faults:
        first, *others = faults
        raise PatchError(first.code, first.message, first.path, first.symbol, tuple(others))
