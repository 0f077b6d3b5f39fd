"""Patches and the ELFs that exist already: the patcher tries them, and what it says is told where it was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import Fault
from sdfgen.rules.registry import Shared, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patcher import PatchRequest
    from sdfgen.faults.source import Where
    from sdfgen.model.system import Patch, System

CANNOT: Final = "SDF141"
FOLDED: Final = "SDF142"
_KEYS: Final = {"PATCH010": "size", "PATCH011": "value", "PATCH015": "value", "PATCH023": "value"}
"""The key of `[[patch]]` that a fault is about; others about one symbol are about `symbol`."""


@rule(CANNOT, "values can be patched")
def possible(system: System) -> Iterator[Fault]:
    """The patcher's own code is named with it: PATCH007 is told by `sdfgen explain PATCH007`.

    ELFs that lie beside the description are tried before anything is built, others when they are linked.
    """
    return (fault for fault in _tried(system) if fault.code == CANNOT)


@rule(FOLDED, "patched constants are not folded")
def effective(system: System) -> Iterator[Fault]:
    """What a compiler knows not to change it may write into the code as a number, which no patch reaches."""
    return first_at_each_place(fault for fault in _tried(system) if fault.code == FOLDED)


def first_at_each_place(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield the first fault at each place: what one key asks for may be many values in one variable."""
    seen: set[Where] = set()
    for fault in faults:
        if fault.where not in seen:
            seen.add(fault.where)
            yield fault


@Shared
def _tried(system: System) -> Iterator[Fault]:
    """Yield what the patcher would say: faults, or else warnings."""
    for name, path in system.images.items():
        from patcher import PatchError, plan_file

        try:
            records = plan_file(os.path.join(system.folder, path), _requests(system, name))
        except PatchError as error:
            for one in error.faults:
                yield patch_fault(system, name, one.code, one.message, one.symbol)
        else:
            for warning in (warning for record in records for warning in record.warnings):
                yield patch_fault(system, name, warning.code, warning.message, warning.symbol, severity="warning")


def _requests(system: System, elf: str) -> list[PatchRequest]:
    """Return what is asked of an ELF, each symbol once; zeros stand in for what Microkit chooses."""
    from patcher import PatchRequest

    found: dict[str, PatchRequest] = {}
    for patch in system.patches:
        if patch.elf == elf:
            value = _zeros(patch.expression) if patch.value is None else patch.value
            found.setdefault(patch.symbol, PatchRequest(patch.symbol, value, patch.size_bytes))
    return list(found.values())


def _zeros(expression: str) -> int | tuple[int, ...]:
    """Return zeros for a value that is not known yet, as many as a list of expressions has elements."""
    import ast

    parsed = ast.parse(expression, mode="eval").body
    return (0,) * len(parsed.elts) if isinstance(parsed, ast.List) else 0


def patch_fault(
    system: System, elf: str, code: str, told: str, symbol: str | None, *, severity: str = "error"
) -> Fault:
    """Return what the patcher found, at the place in the description that asked for the patch.

    Args:
        system: The system.
        elf: The ELF.
        code: The patcher's code.
        told: What it says: what is wrong and, behind a semicolon, what to do.
        symbol: What it is about; None when it is about the whole file.
        severity: `error` or `warning`.
    """
    patches = [patch for patch in system.patches if patch.elf == elf]
    asked = [patch for patch in patches if patch.symbol == symbol]
    where, *others = _places(system, code, asked, patches)
    message, _, advice = told.rpartition("; ") if "; " in told else (told, "", "")
    notes = [(place, "this takes part") for place in others]
    if symbol is None:
        users = [pd for pd in system.all_pds() if pd.program_image == elf]
        notes += [(pd.origin.at("program_image"), f"it is the program image of `{pd.name}`") for pd in users]
    of_system = CANNOT if severity == "error" else FOLDED
    return Fault(of_system, f"in {elf}, {message} ({code})", where, advice, tuple(notes), severity)


def _places(system: System, code: str, asked: list[Patch], patches: list[Patch]) -> list[Where]:
    """Return the places that a fault is about; one about a whole file is about what names the file first."""
    if asked:
        return list(dict.fromkeys(patch.origin.at(_key(patch, code)) for patch in asked))
    return [patches[0].origin.at("elf") if patches else system.origin.at("name")]


def _key(patch: Patch, code: str) -> str:
    key = _KEYS.get(code, "symbol")
    key = "text" if key == "value" and patch.origin.given("text") else key
    return key if patch.origin.given(key) else "symbol"
