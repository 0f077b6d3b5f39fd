"""Asks debug information about requested variables: what they are, and whether the compiler may fold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from patcher import errors, rules
from patcher.errors import PatchError
from patcher.values import Leaf, PatchWarning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from patcher.debug_info import DebugInfo
    from patcher.dwarf import Types
    from patcher.source import Source
    from patcher.values import Image, PatchRequest, Symbol

_STB_GLOBAL, _STB_WEAK = 1, 2
_RELRO: Final = ".data.rel.ro"
_CONSTANTS: Final = (".rodata", _RELRO)
"""Where compilers put constants by themselves; variables in sections of their own may be anything."""
_ADVICE: Final = "declare it `volatile const`, or without `const`, or in a file without code"


class Facts(NamedTuple):
    """What debug information says about the variables of requests.

    Attributes:
        leaves: By requested symbol, the value it leads to, or the fault that says why it leads to none.
        warnings: By requested symbol, why a patch may have no effect.
    """

    leaves: Mapping[str, Leaf | PatchError]
    warnings: Mapping[str, PatchWarning]


def facts(source: Source, image: Image, requests: Sequence[PatchRequest]) -> Facts:
    """Ask debug information about requests, as far as that is needed.

    Args:
        source: The file.
        image: What pyelftools found in it.
        requests: The requests, each symbol once.
    """
    symbols = {request.symbol: rules.only_symbol(image, request.symbol) for request in requests}
    known = {name: symbol for name, symbol in symbols.items() if symbol is not None}
    typed = [one.symbol for one in requests if one.symbol in known and rules.needs_type(image, one)]
    constant = [name for name, symbol in known.items() if _is_constant(image, symbol)]
    missing = {name for name in symbols if name not in image.symbols and rules.base_of(name) is None}
    if not typed and not constant and not missing:
        return Facts({}, {})
    info, types = _opened(source, {known[name] for name in (*typed, *constant)}, missing)
    leaves: dict[str, Leaf | PatchError] = {name: _folded_away(image.path, name) for name in missing & info.folded}
    leaves |= {name: _leaf_or_fault(image, types, name, known[name]) for name in typed}
    found = {name: _warning(image, info, types, name, known[name]) for name in constant}
    return Facts(leaves, {name: warning for name, warning in found.items() if warning})


def value_types(source: Source, image: Image, names: Sequence[str]) -> dict[str, Leaf | PatchError]:
    """Return what names and paths lead to; a plain name without a type that can be read is left out.

    Args:
        source: The file.
        image: What pyelftools found in it.
        names: The names and paths.
    """
    symbols = {name: rules.only_symbol(image, name) for name in names}
    known = {name: symbol for name, symbol in symbols.items() if symbol is not None}
    if not known:
        return {}
    _, types = _opened(source, set(known.values()), set())
    found = {name: _leaf_or_fault(image, types, name, symbol) for name, symbol in known.items()}
    paths = {name for name in found if rules.start_of(image, name) != name}
    return {name: leaf for name, leaf in found.items() if isinstance(leaf, Leaf) or name in paths}


def _opened(source: Source, symbols: set[Symbol], missing: set[str]) -> tuple[DebugInfo, Types]:
    from patcher.debug_info import DebugInfo
    from patcher.dwarf import Types

    info = DebugInfo(source, symbols, missing)
    return info, Types(info)


def _leaf_or_fault(image: Image, types: Types, name: str, symbol: Symbol) -> Leaf | PatchError:
    from patcher.debug_info import LostError, UnseenError

    try:
        return types.leaf(name, rules.start_of(image, name), symbol)
    except LostError as lost:
        return PatchError(errors.BAD_PATH, f"`{name}` leads to no value: {lost}", image.path, name)
    except UnseenError as unseen:
        return unseen_fault(image.path, name, unseen)


def unseen_fault(path: str, name: str, unseen: Exception) -> PatchError:
    """Return the fault that types are asked for and cannot be read.

    Args:
        path: The file.
        name: What was asked for.
        unseen: Why they cannot be read.
    """
    return PatchError(errors.NO_TYPES, f"the type of `{name}` cannot be read: {unseen}", path, name)


def _folded_away(path: str, name: str) -> PatchError:
    message = (
        f"no symbol is named `{name}`: debug information has it without an address, so the compiler has put its"
        " value into the code; declare it `volatile`"
    )
    return PatchError(errors.MISSING, message, path, name)


def _is_constant(image: Image, symbol: Symbol) -> bool:
    """Say whether a symbol lies where programs do not write: compilers may take its value for granted.

    A weak one may be replaced when it is linked, so no compiler does. What a linker script puts among
    writable data is not seen.
    """
    if symbol.binding == _STB_WEAK or symbol.section >= len(image.sections):
        return False
    section = image.sections[symbol.section]
    return section.loaded and (not section.writable or section.name.startswith(_RELRO))


def _warning(image: Image, info: DebugInfo, types: Types, name: str, symbol: Symbol) -> PatchWarning | None:
    """Warn of a constant that code may have as a number, unless debug information excludes it.

    It does when the variable is volatile, and when it is global and its compilation unit has no code: code of
    other units sees no value to take, unless the program was optimised as a whole, and then nothing is global.
    Without debug information, only what lies where compilers put constants is warned of.
    """
    from patcher.debug_info import LostError, UnseenError

    section = image.sections[symbol.section].name
    try:
        spot = types.spot(name, rules.start_of(image, name), symbol)
        if spot.volatile or (symbol.binding == _STB_GLOBAL and not info.variable(symbol).has_code_beside):
            return None
        why = "and is not volatile"
    except LostError:
        return None
    except UnseenError as unseen:
        if not section.startswith(_CONSTANTS):
            return None
        why = f"and whether it is volatile is unknown ({unseen})"
    message = f"`{name}` is in {section or 'read-only data'} {why}: code may have its old value inside; {_ADVICE}"
    return PatchWarning(errors.FOLDED, message, image.path, name)
