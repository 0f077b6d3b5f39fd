"""Patches: what can be said of them without the ELFs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import Stage, rule
from sdfgen.rules.symbols import symbols

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.system import Patch, System

_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*(\.[\w$]+)*")
_MOST_BYTES: Final = 8
_SHOWN: Final = 6


def written(system: System) -> list[Patch]:
    """Return the patches that the description writes."""
    return [patch for patch in system.patches if patch.written]


def base_of(symbol: str) -> str | None:
    """Return the symbol or `[.section]` that a path starts from; None of what is no path."""
    if not any(letter in symbol for letter in ".["):
        return None
    from patcher.rules import base_of

    return base_of(symbol)


@rule("SDF145", "patched values fit their bytes", Stage.VALUES)
def fits(system: System) -> Iterator[Fault]:
    """Variables have 1, 2, 4 or 8 bytes, and take unsigned numbers; text has a NUL behind it."""
    for patch in written(system):
        yield from _text_fits(patch, patch.value) if isinstance(patch.value, str) else _numbers_fit(patch)


def _text_fits(patch: Patch, text: str) -> Iterator[Fault]:
    bytes_needed = len(text.encode()) + 1
    if patch.size_bytes is not None and patch.size_bytes < bytes_needed:
        message = f"the text for `{patch.symbol}` takes {bytes_needed} bytes with its NUL, and `size` is"
        message += f" {patch.size_bytes}"
        notes = ((patch.origin.at("size"), "the size is here"),)
        advice = "shorten it, or give the size that the array has"
        yield Fault("SDF145", message, patch.origin.at("text"), advice, notes)


def _numbers_fit(patch: Patch) -> Iterator[Fault]:
    from patcher.encoding import SIZES_BYTES

    size_bytes = _MOST_BYTES if patch.size_bytes is None else patch.size_bytes
    if size_bytes not in SIZES_BYTES:
        message = f"size {size_bytes} of `{patch.symbol}` is none of {', '.join(map(str, SIZES_BYTES))}"
        yield Fault("SDF145", message, patch.origin.at("size"), "give the size of the variable's type in bytes")
        return
    values = patch.value if isinstance(patch.value, tuple) else (patch.value,)
    if not values:
        advice = "give a number for each of its elements"
        yield Fault("SDF145", f"the list for `{patch.symbol}` is empty", patch.origin.at("value"), advice)
    for index, value in enumerate(values):
        if isinstance(value, int) and not 0 <= value < 1 << 8 * size_bytes:
            place = patch.origin.at("value")
            if isinstance(patch.value, tuple):
                place = place._replace(path=(*place.path, index))
            yield _misfit(patch, value, size_bytes, place)


def _misfit(patch: Patch, value: int, size_bytes: int, place: Where) -> Fault:
    count = f"{size_bytes} byte{'s' if size_bytes > 1 else ''}"
    if value < 0:
        message, same = f"value {value} of `{patch.symbol}` is negative", value + (1 << 8 * size_bytes)
        advice = f"{same:#x} has the same bits in {count}" if same > 0 else "values are unsigned"
    else:
        message, advice = f"value {value:#x} of `{patch.symbol}` does not fit into {count}", "use a smaller one"
        if size_bytes < _MOST_BYTES:
            advice = "use a smaller one, or set `size` if the variable is larger"
    notes = ((patch.origin.at("size"), "the size is here"),) if patch.origin.given("size") else ()
    return Fault("SDF145", message, place, advice, notes)


@rule("SDF148", "a patched symbol is a variable's name, or a path into one", Stage.VALUES)
def symbol(system: System) -> Iterator[Fault]:
    """Of the programs that are made here only the variables that take addresses are declared to be patched.

    What all other variables of theirs hold is known when they are compiled, and may stand in the code as a number.
    """
    for patch in written(system):
        name = patch.symbol
        if base_of(name) is None and not _NAME.fullmatch(name):
            message = f"{name!r} is neither a variable's name nor a path into one"
            advice = "write it such as `count`, `config.clients[2].base` or `[.my_section].base`"
            yield Fault("SDF148", message, patch.origin.at("symbol"), advice)
        elif patch.elf in system.elves or (patch.elf in system.made_images and patch.elf not in system.images):
            yield from _of_made(system, patch)


def _of_made(system: System, patch: Patch) -> Iterator[Fault]:
    known = {own.symbol for own in system.patches if own.elf == patch.elf and not own.written}
    known |= {given.symbol for given in _setvars(system) if given.elf == patch.elf}
    name = base_of(patch.symbol) or patch.symbol
    if name not in known:
        message = f"`{name}` is not declared to be patched in {patch.elf!r}, which is made here"
        names = sorted(known)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
        advice = f"declared are {shown}{more}" if names else "nothing of it is: patch a program of your own"
        yield Fault("SDF148", message + suggestion(name, known), patch.origin.at("symbol"), advice)


class _Given(NamedTuple):
    """What gets a value, which, and who gives it."""

    elf: str
    symbol: str
    value: object
    shown: str
    where: Where
    words: str
    size: str = ""


@rule("SDF146", "a variable is patched once")
def once(system: System) -> Iterator[Fault]:
    """Of two values one would be lost: of a variable and a part of it too, and of what Microkit writes itself."""
    first: dict[tuple[str, str], _Given] = {}
    by_microkit = list(_setvars(system))
    for one in map(_of_patch, system.patches):
        others = [other for other in by_microkit if (other.elf, other.symbol) == (one.elf, one.symbol)]
        for other in (*others, first.setdefault((one.elf, one.symbol), one)):
            if other.value != one.value:
                message = f"`{one.symbol}` of {one.elf!r} gets two values, {other.shown} and {one.shown}"
                yield _twice(message, one, other)
            elif other.size and other.size != one.size:
                message = f"`{one.symbol}` of {one.elf!r} gets {one.shown} twice, as {other.size} and as {one.size}"
                yield _twice(message, one, other)
    for one in map(_of_patch, system.patches):
        for start in _starts(one.symbol):
            if (one.elf, start) in first:
                message = f"`{start}` of {one.elf!r} gets a value as a whole, and `{one.symbol}` is a part of it"
                yield _twice(message, one, first[one.elf, start])


def _twice(message: str, one: _Given, other: _Given) -> Fault:
    return Fault("SDF146", message, one.where, "keep one of them", ((other.where, other.words),))


def _of_patch(patch: Patch) -> _Given:
    key = "text" if patch.origin.given("text") else "value"
    value = _normal(patch.expression) if patch.value is None else patch.value
    words = "it is patched here" if patch.written else "sdfgen patches it for what is here"
    size = "what it has" if patch.size_bytes is None else f"{patch.size_bytes} bytes"
    return _Given(patch.elf, patch.symbol, value, _shown(patch), patch.origin.at(key), words, size)


def _shown(patch: Patch) -> str:
    if isinstance(patch.value, int):
        return hex(patch.value)
    if isinstance(patch.value, tuple):
        return f"[{', '.join(map(hex, patch.value))}]"
    return patch.expression if patch.value is None else repr(patch.value)


def _normal(expression: str) -> str:
    """Return an expression whose value is not known yet as all write it who mean the same."""
    import ast

    return ast.unparse(ast.parse(expression.strip(), mode="eval"))


def _setvars(system: System) -> Iterator[_Given]:
    """Yield what Microkit writes when it packs an image; the address of a region is a value that a patch may have."""
    images = system.images_by_pd()
    paddrs = {(pd.name, one.symbol): one.region for pd in system.all_pds() for one in pd.setvars}
    regions = system.region_index()
    for pd, name, origin, key in symbols(system):
        region = paddrs.get((pd, name)) if key == "symbol" else None
        shown = f"phys_addr('{region}')" if region else f"what `{key}` says"
        address = regions[region].phys_addr if region in regions else None
        value = None if region is None else shown if address is None else address
        if pd in images:
            yield _Given(images[pd], name, value, shown, origin.at(key), "Microkit writes it for what is here")


def _starts(symbol: str) -> Iterator[str]:
    """Yield all shorter paths that a path goes through."""
    if base_of(symbol) is not None:
        yield from (symbol[:at] for at, letter in enumerate(symbol) if at and letter in ".[")
