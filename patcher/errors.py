"""What can go wrong when a file is patched: stable codes and the one exception type."""

from __future__ import annotations

from typing import Final, NamedTuple

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
SECTION: Final = "PATCH021"
NO_TYPES: Final = "PATCH022"
WRONG_VALUE: Final = "PATCH023"
BAD_PLAN: Final = "PATCH024"
FOLDED: Final = "PATCH025"

CALL: Final = "call"
FILE: Final = "file"
TOOL: Final = "tool"
BLAMED: Final = {
    CALL: "what was asked for",
    FILE: "the file that was given",
    TOOL: "the patcher, or what it runs on",
}
"""Who is to blame for a fault: what was asked for, the file it was asked of, or neither."""


class Code(NamedTuple):
    """What a code stands for, and who is to blame for it: a key of `BLAMED`."""

    summary: str
    blame: str


CODES: Final = {
    UNREADABLE: Code("the input is missing, a directory or may not be read", CALL),
    NOT_ELF: Code("the input is empty or no ELF file", FILE),
    UNSUPPORTED: Code("the input is no 64-bit little-endian executable or shared object", FILE),
    TRUNCATED: Code("headers, a section or a segment lie beyond the end of the file", FILE),
    MALFORMED: Code("headers or tables contradict the format", FILE),
    STRIPPED: Code("the file has no symbol table", FILE),
    MISSING: Code("no symbol has this name", CALL),
    AMBIGUOUS: Code("more than one symbol has this name", FILE),
    NOT_DATA: Code("the symbol is a function, a section, undefined or otherwise no variable", CALL),
    WRONG_SIZE: Code("the variable has another size than the value", CALL),
    OUT_OF_RANGE: Code("the value is negative or does not fit the variable", CALL),
    NO_FILE_BYTES: Code("the variable is in .bss and so has no bytes in the file", FILE),
    UNMAPPED: Code("the variable is not inside exactly one loadable segment", FILE),
    RELOCATED: Code("the loader writes these bytes at start-up, so a patch would be lost", FILE),
    CONFLICT: Code("one symbol is requested with different values or sizes", CALL),
    OVERLAP: Code("two requests share bytes", CALL),
    BAD_PATH: Code("a path such as `config.clients[2].base` leads to nothing that can be patched", CALL),
    UNWRITABLE: Code("the output cannot be written", CALL),
    DISAGREEMENT: Code("two independent readers of the file disagree, or a written value did not arrive", TOOL),
    DIFFERS: Code("a verified value is not the requested one", FILE),
    SECTION: Code("a section such as `[.blk_client_config]` does not hold exactly one variable", CALL),
    NO_TYPES: Code("types are asked for, and the file has no debug information that can be read", FILE),
    WRONG_VALUE: Code("the value is of another kind than the variable: number, array or text", CALL),
    BAD_PLAN: Code("the plan of a board's patches is malformed", CALL),
    FOLDED: Code("a warning: the compiler may have put the old value into the code", FILE),
}
"""Every code with a summary of what it stands for."""


class PatchError(Exception):
    """A file cannot be read, patched or verified; nothing was changed.

    Attributes:
        code: Stable code, one of `CODES`.
        message: What is wrong; what to do.
        path: The file it is about, as the caller named it.
        symbol: The symbol it is about, or None when it is about the whole file.
        also: Further faults found in the same run.
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
    def blame(self) -> str:
        """Who is to blame: a key of `BLAMED`."""
        return CODES[self.code].blame

    @property
    def faults(self) -> tuple[PatchError, ...]:
        """This fault and the further ones, in the order of the requests."""
        return (self, *self.also)


def raise_all(faults: list[PatchError]) -> None:
    """Raise the first fault with the others attached; do nothing when there is none.

    Args:
        faults: What was found.

    Raises:
        PatchError: There is a fault.
    """
    if faults:
        first, *others = faults
        raise PatchError(first.code, first.message, first.path, first.symbol, tuple(others))
