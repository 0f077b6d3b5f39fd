"""What must hold before a value is written; turns requests into places of one image.

The rules see an `Image` and so hold for either reader. A name counts as ambiguous as soon as the
symbol table has two entries of it, even equal ones: `setvar` of Microkit refuses that too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Final

from patcher import errors
from patcher.encoding import count_of, encoded
from patcher.errors import PatchError, raise_all
from patcher.values import VARIABLE_KINDS, Leaf, PatchRequest, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from patcher.values import Image, Section, Segment, Symbol

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
_STEPS: Final = r"(?:\.[A-Za-z_$][\w$]*|\[[0-9]{1,18}\])"
_PATH: Final = re.compile(rf"([A-Za-z_$][\w$]*){_STEPS}+|(\[[^\[\]]+\]){_STEPS}*")


def base_of(symbol: str) -> str | None:
    """Return what a path such as `config.clients[2].base` or `[.section].base` starts from, else None."""
    match = _PATH.fullmatch(symbol)
    return match[1] or match[2] if match else None


def start_of(image: Image, symbol: str) -> str:
    """Return the name that a path starts from; of a name that has a dot itself, all of it.

    Args:
        image: What a reader found in the file.
        symbol: The name or path.
    """
    return symbol if symbol in image.symbols else base_of(symbol) or symbol


def needs_type(image: Image, request: PatchRequest) -> bool:
    """Say whether a request cannot be met without types.

    Args:
        image: What a reader found in the file.
        request: The request.
    """
    is_path = start_of(image, request.symbol) != request.symbol
    return is_path or (request.size_bytes is None and not isinstance(request.value, int))


def only_symbol(image: Image, symbol: str) -> Symbol | None:
    """Return the one symbol that a request means, or None when there is none or several.

    Args:
        image: What a reader found in the file.
        symbol: The name or path.
    """
    entries = image.symbols.get(start_of(image, symbol), ())
    return entries[0] if len(entries) == 1 else None


def wanted_names(symbols: Iterable[str]) -> frozenset[str]:
    """Return every name of the symbol table that requested symbols may mean."""
    names = set(symbols)
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


def place_of(image: Image, name: str, leaf: Leaf | PatchError | None) -> Place:
    """Find where a value is read.

    Args:
        image: What a reader found in the file.
        name: A name or path.
        leaf: What debug information says about it.

    Returns:
        The place; what would be written there is zeros.

    Raises:
        PatchError: There is no value.
    """
    symbol = variable(image, name, leaf)
    if isinstance(leaf, Leaf):
        return _placed(image, name, symbol, leaf, bytes(prod(leaf.dimensions) * leaf.size_bytes))
    return _placed(image, name, symbol, None, encoded(image.path, PatchRequest(name, 0, None), symbol, None))


def _place(image: Image, request: PatchRequest, leaf: Leaf | PatchError | None, *, hint: bool) -> Place:
    symbol = variable(image, request.symbol, leaf, hint=hint)
    known = leaf if isinstance(leaf, Leaf) else None
    new = encoded(image.path, request, symbol, known)
    return _placed(image, request.symbol, symbol, known, new)


def variable(image: Image, name: str, leaf: Leaf | PatchError | None = None, *, hint: bool = True) -> Symbol:
    """Return the one variable that a name or path starts from.

    Args:
        image: What a reader found in the file.
        name: The name or path.
        leaf: What debug information says about it.
        hint: Whether to look for similar names when there is none.

    Raises:
        PatchError: There is none, or several, or debug information says that the path leads nowhere.
    """
    if isinstance(leaf, PatchError):
        raise leaf
    symbol = _only(image, start_of(image, name), name, hint=hint)
    _check_kind(image, symbol, name)
    return symbol


def _placed(image: Image, name: str, symbol: Symbol, leaf: Leaf | None, new: bytes) -> Place:
    offset, size_bytes = leaf.offset_bytes if leaf else 0, len(new)
    if leaf and offset + size_bytes > symbol.size_bytes:
        message = f"`{name}` ends beyond `{leaf.base}`, says debug information; build the file again"
        raise _fault(image, errors.BAD_PATH, message, name)
    vaddr = symbol.vaddr + offset
    section = image.sections[symbol.section] if symbol.section < len(image.sections) else None
    segment = _segment(image, section, vaddr, size_bytes, name)
    _check_file_bytes(image, section, vaddr + size_bytes - segment.vaddr - segment.file_bytes, name)
    _check_relocations(image, vaddr, size_bytes, name)
    return Place(name, vaddr, segment.file_offset + vaddr - segment.vaddr, new)


def _only(image: Image, name: str, path: str, *, hint: bool) -> Symbol:
    entries = image.symbols.get(name, ())
    if len(entries) == 1:
        return entries[0]
    if name.startswith("["):
        raise _fault(image, errors.SECTION, _section_message(image, name), path)
    if not entries:
        advice = _suggestion(name, image.names() if hint else [])
        raise _fault(image, errors.MISSING, f"no symbol is named `{name}`; {advice}", path)
    addresses = [f"{entry.vaddr:#x}" for entry in entries]
    message = f"{len(entries)} symbols are named `{name}`, at {_some(addresses)}; rename all but one"
    raise _fault(image, errors.AMBIGUOUS, message, path)


def _section_message(image: Image, name: str) -> str:
    entries, section = image.symbols.get(name), name[1:-1]
    if entries is None:
        from difflib import get_close_matches

        near = get_close_matches(section, [known.name for known in image.sections if known.loaded], n=1)
        return f"no section is named `{section}`; " + (
            f"did you mean `[{near[0]}]`?" if near else "put a variable there"
        )
    if not entries:
        return f"no variable is in section `{section}`; put one there, or name it by its symbol"
    names = [f"`{entry.name}`" for entry in sorted(entries, key=lambda entry: entry.vaddr)]
    return f"{len(entries)} variables are in section `{section}`: {_some(names)}; name one by its symbol"


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


def _suggestion(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known)
    if near:
        return f"did you mean {' or '.join(f'`{other}`' for other in near)}?"
    return "define it as a variable that the program uses, or the linker drops it"


def _check_kind(image: Image, symbol: Symbol, name: str) -> None:
    if symbol.section == 0 or symbol.kind in VARIABLE_KINDS:
        what = _SPECIAL_SECTIONS.get(symbol.section)
    else:
        what = f"{_KINDS.get(symbol.kind, f'of kind {symbol.kind}')}; name a variable"
    if what:
        raise _fault(image, errors.NOT_DATA, f"`{start_of(image, name)}` is {what}", name)


def _segment(image: Image, section: Section | None, vaddr: int, size_bytes: int, name: str) -> Segment:
    found = [s for s in image.segments if s.vaddr <= vaddr and vaddr + size_bytes <= s.vaddr + s.memory_bytes]
    loaded = section is None or section.loaded
    if loaded and len(found) == 1:
        return found[0]
    which = f"{len(found)} loadable segments hold" if loaded and found else "no loadable segment holds"
    message = f"{which} `{name}` at {vaddr:#x}; put it in a section that is loaded once, such as .data"
    raise _fault(image, errors.UNMAPPED, message, name)


def _check_file_bytes(image: Image, section: Section | None, missing_bytes: int, name: str) -> None:
    if missing_bytes > 0 or (section and section.nobits):
        where = section.name if section and section.name else "memory that starts as zero"
        message = f"`{name}` is in {where} and has no bytes in the file; initialise it with a value not 0"
        raise _fault(image, errors.NO_FILE_BYTES, message, name)


def _check_relocations(image: Image, vaddr: int, size_bytes: int, name: str) -> None:
    """Refuse bytes that a relocation covers; those of the 64-bit ABIs are 8 bytes wide."""
    nearest = bisect_left(image.relocated, vaddr - RELOCATION_BYTES + 1)
    if nearest < len(image.relocated) and image.relocated[nearest] < vaddr + size_bytes:
        message = (
            f"the loader relocates `{name}` at {vaddr:#x} and overwrites the value;"
            " initialise it with a number instead of an address"
        )
        raise _fault(image, errors.RELOCATED, message, name)


def _check_overlap(path: str, found: Sequence[Place]) -> None:
    ordered = sorted(found, key=lambda place: place.file_offset)
    faults = []
    for one, other in pairwise(ordered):
        if other.file_offset < one.file_offset + len(one.new):
            message = f"`{one.symbol}` and `{other.symbol}` share bytes at {other.vaddr:#x}; request one of them"
            faults.append(PatchError(errors.OVERLAP, message, path, other.symbol))
    raise_all(faults)


def _fault(image: Image, code: str, message: str, name: str) -> PatchError:
    return PatchError(code, message, image.path, name)


def _text(request: PatchRequest) -> str:
    size = "its own size" if request.size_bytes is None else count_of(request.size_bytes, "byte")
    value = request.value
    if isinstance(value, tuple):
        return f"[{', '.join(f'{number:#x}' for number in value)}] ({size} each)"
    return f"{value:#x} ({size})" if isinstance(value, int) else f"{value!r} ({size})"
