"""What must hold before a value is written; turns requests into places of one image.

The rules see an `Image` and so hold for either reader. A name counts as ambiguous as soon as the
symbol table has two entries of it, even equal ones: `setvar` of Microkit refuses that too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from patcher import errors
from patcher.errors import PatchError, raise_all
from patcher.values import VARIABLE_KINDS, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from patcher.values import Image, Leaf, PatchRequest, Section, Segment, Symbol

SIZES_BYTES: Final = (1, 2, 4, 8)
RELOCATION_BYTES: Final = 8
_SHOWN: Final = 4
_HINTS: Final = 5
"""How many faults may look for a similar name: among 20,000 symbols that takes 0.3 s each."""
_KINDS: Final = {
    2: "a function",
    3: "a section",
    4: "a file name",
    5: "a common block",
    6: "thread-local",
    10: "an indirect function",
}
_SPECIAL_SECTIONS: Final = {
    0: "undefined: this file only refers to it; link the object that defines it",
    0xFFF1: "an absolute number; name a variable",
    0xFFF2: "a common block; name a variable",
}
_PATH: Final = re.compile(r"([A-Za-z_$][\w$]*)(?:\.[A-Za-z_$][\w$]*|\[[0-9]{1,18}\])+")


def base_of(symbol: str) -> str | None:
    """Return the variable that a path such as `config.clients[2].base` starts from, else None."""
    match = _PATH.fullmatch(symbol)
    return match[1] if match else None


def wanted_names(requests: Iterable[PatchRequest]) -> frozenset[str]:
    """Return every name of the symbol table that the requests may mean."""
    names = {request.symbol for request in requests}
    return frozenset(names.union(base for name in names if (base := base_of(name))))


def distinct(path: str, requests: Iterable[PatchRequest]) -> tuple[PatchRequest, ...]:
    """Return the requests without repetitions.

    Args:
        path: The file they are for.
        requests: The values.

    Raises:
        PatchError: One symbol is requested with different values or sizes.
    """
    first: dict[str, PatchRequest] = {}
    faults = []
    for request in requests:
        known = first.setdefault(request.symbol, request)
        if known != request:
            message = f"`{request.symbol}` is requested twice, as {_text(known)} and as {_text(request)}"
            faults.append(PatchError(errors.CONFLICT, f"{message}; keep one", path, request.symbol))
    raise_all(faults)
    return tuple(first.values())


def places(
    image: Image, requests: Iterable[PatchRequest], leaves: Mapping[str, Leaf | PatchError]
) -> tuple[Place, ...]:
    """Find where each value goes.

    Args:
        image: What a reader found in the file.
        requests: The values, each symbol once.
        leaves: What debug information says about requested paths.

    Returns:
        One place per request, in their order.

    Raises:
        PatchError: A request cannot be met; all of them are looked at first.
    """
    found: list[Place] = []
    faults: list[PatchError] = []
    for request in requests:
        try:
            hint = len(faults) < _HINTS
            found.append(_place(image, request, leaves.get(request.symbol), hint=hint))
        except PatchError as fault:
            faults.append(fault)
    raise_all(faults)
    _check_overlap(image.path, found)
    return tuple(found)


def _place(image: Image, request: PatchRequest, leaf: Leaf | PatchError | None, *, hint: bool) -> Place:
    if isinstance(leaf, PatchError):
        raise leaf
    symbol = _only(image, _name(image, request.symbol), request, hint=hint)
    _check_kind(image, symbol, request)
    offset, size_bytes = (leaf.offset_bytes, leaf.size_bytes) if leaf else (0, symbol.size_bytes)
    if leaf and offset + size_bytes > symbol.size_bytes:
        message = f"`{request.symbol}` ends beyond `{leaf.base}`, says debug information; build the file again"
        raise _fault(image, errors.BAD_PATH, message, request)
    _check_size(image, size_bytes, request)
    new = _encoded(image, size_bytes, request)
    vaddr = symbol.vaddr + offset
    section = image.sections[symbol.section] if symbol.section < len(image.sections) else None
    segment = _segment(image, section, vaddr, size_bytes, request)
    _check_file_bytes(image, section, vaddr + size_bytes - segment.vaddr - segment.file_bytes, request)
    _check_relocations(image, vaddr, size_bytes, request)
    return Place(request.symbol, vaddr, segment.file_offset + vaddr - segment.vaddr, new)


def _name(image: Image, symbol: str) -> str:
    return symbol if symbol in image.symbols else base_of(symbol) or symbol


def _only(image: Image, name: str, request: PatchRequest, *, hint: bool) -> Symbol:
    entries = image.symbols.get(name, ())
    if not entries:
        advice = _suggestion(name, image.names() if hint else [])
        raise _fault(image, errors.MISSING, f"no symbol is named `{name}`; {advice}", request)
    if len(entries) > 1:
        shown = [f"{entry.vaddr:#x}" for entry in entries[:_SHOWN]]
        more = f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
        message = f"{len(entries)} symbols are named `{name}`, at {', '.join(shown)}{more}; rename all but one"
        raise _fault(image, errors.AMBIGUOUS, message, request)
    return entries[0]


def _suggestion(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known)
    if near:
        return f"did you mean {' or '.join(f'`{other}`' for other in near)}?"
    return "define it as a variable that the program uses, or the linker drops it"


def _check_kind(image: Image, symbol: Symbol, request: PatchRequest) -> None:
    if symbol.section == 0 or symbol.kind in VARIABLE_KINDS:
        what = _SPECIAL_SECTIONS.get(symbol.section)
    else:
        what = f"{_KINDS.get(symbol.kind, f'of kind {symbol.kind}')}; name a variable"
    if what:
        raise _fault(image, errors.NOT_DATA, f"`{_name(image, request.symbol)}` is {what}", request)


def _check_size(image: Image, size_bytes: int, request: PatchRequest) -> None:
    name, wanted = request.symbol, request.size_bytes
    if wanted is not None and wanted not in SIZES_BYTES:
        message = f"{_bytes(wanted)} are requested for `{name}`; request 1, 2, 4 or 8"
    elif size_bytes == 0:
        message = f"`{name}` has no size; in assembly, add `.size {name}, {wanted or 8}`"
    elif wanted is None and size_bytes not in SIZES_BYTES:
        message = f"`{name}` has {_bytes(size_bytes)}, no integer; name a member or an element of it"
    elif wanted is not None and wanted != size_bytes:
        message = f"`{name}` has {_bytes(size_bytes)}, {wanted} requested; change its type or the request"
    else:
        return
    raise _fault(image, errors.WRONG_SIZE, message, request)


def _encoded(image: Image, size_bytes: int, request: PatchRequest) -> bytes:
    value = request.value
    if value < 0:
        message = f"the value of `{request.symbol}`, {value}, is negative; values are unsigned"
    elif value.bit_length() > 8 * size_bytes:
        message = (
            f"the value of `{request.symbol}` has {value.bit_length()} bits and the variable has"
            f" {8 * size_bytes}; correct the value or its size"
        )
    else:
        return value.to_bytes(size_bytes, "little")
    raise _fault(image, errors.OUT_OF_RANGE, message, request)


def _segment(image: Image, section: Section | None, vaddr: int, size_bytes: int, request: PatchRequest) -> Segment:
    found = [s for s in image.segments if s.vaddr <= vaddr and vaddr + size_bytes <= s.vaddr + s.memory_bytes]
    loaded = section is None or section.loaded
    if loaded and len(found) == 1:
        return found[0]
    which = f"{len(found)} loadable segments hold" if loaded and found else "no loadable segment holds"
    message = f"{which} `{request.symbol}` at {vaddr:#x}; put it in a section that is loaded once, such as .data"
    raise _fault(image, errors.UNMAPPED, message, request)


def _check_file_bytes(image: Image, section: Section | None, missing_bytes: int, request: PatchRequest) -> None:
    if missing_bytes > 0 or (section and section.nobits):
        where = section.name if section and section.name else "memory that starts as zero"
        message = f"`{request.symbol}` is in {where} and has no bytes in the file; initialise it with a value not 0"
        raise _fault(image, errors.NO_FILE_BYTES, message, request)


def _check_relocations(image: Image, vaddr: int, size_bytes: int, request: PatchRequest) -> None:
    """Refuse bytes that a relocation covers; those of the 64-bit ABIs are 8 bytes wide."""
    nearest = bisect_left(image.relocated, vaddr - RELOCATION_BYTES + 1)
    if nearest < len(image.relocated) and image.relocated[nearest] < vaddr + size_bytes:
        message = (
            f"the loader relocates `{request.symbol}` at {vaddr:#x} and overwrites the value;"
            " initialise it with a number instead of an address"
        )
        raise _fault(image, errors.RELOCATED, message, request)


def _check_overlap(path: str, found: Sequence[Place]) -> None:
    ordered = sorted(found, key=lambda place: place.file_offset)
    faults = []
    for one, other in pairwise(ordered):
        if other.file_offset < one.file_offset + len(one.new):
            message = f"`{one.symbol}` and `{other.symbol}` share bytes at {other.vaddr:#x}; request one of them"
            faults.append(PatchError(errors.OVERLAP, message, path, other.symbol))
    raise_all(faults)


def _fault(image: Image, code: str, message: str, request: PatchRequest) -> PatchError:
    return PatchError(code, message, image.path, request.symbol)


def _bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"


def _text(request: PatchRequest) -> str:
    size = "its own size" if request.size_bytes is None else _bytes(request.size_bytes)
    return f"{request.value:#x} ({size})"
