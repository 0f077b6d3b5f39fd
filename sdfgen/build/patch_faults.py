"""What the patcher said, at the places in the description that asked for the patches."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from sdfgen import outputs
from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.system import Patch, System

CANNOT: Final = "SDF141"
FOLDED: Final = "SDF142"
_KEYS: Final = {"PATCH010": "size", "PATCH011": "value", "PATCH015": "value", "PATCH023": "value"}
"""The key of `[[patch]]` that a fault is about; others about one symbol are about `symbol`."""


def patch_faults(system: System, folder: str) -> list[Fault]:
    """Return what the patcher found when a board's ELFs were patched last: faults, or else warnings.

    Args:
        system: The system.
        folder: The folder that it was made in.
    """
    faults = [fault for step in outputs.PATCH_STEPS for fault in _rows(folder, outputs.patch_faults(step), "faults")]
    files = patched_files(folder) if not faults else []
    warnings = [{**row, "target": file["target"]} for file in files for row in file["warnings"]]
    found = [_fault(system, CANNOT, "error", row) for row in faults]
    return found + list(_warnings(system, warnings))


def patched_files(folder: str) -> list[dict[str, Any]]:
    """Return what the patcher did when a board's ELFs were patched last, by file.

    Args:
        folder: The folder that it was made in.
    """
    return [file for step in outputs.PATCH_STEPS for file in _rows(folder, outputs.patch_record(step), "files")]


def _warnings(system: System, rows: list[dict[str, Any]]) -> Iterator[Fault]:
    """Yield warnings of what the description still asks for: a record stays when nothing is left to patch."""
    asked = {(outputs.elf(patch.elf), patch.symbol) for patch in system.patches if patch.value is not None}
    return (_fault(system, FOLDED, "warning", row) for row in rows if (row["target"], row["symbol"]) in asked)


def _rows(folder: str, name: str, key: str) -> list[dict[str, Any]]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            rows: list[dict[str, Any]] = json.load(file)[key]
    except FileNotFoundError:
        return []
    return rows


def _fault(system: System, code: str, severity: str, row: dict[str, Any]) -> Fault:
    elf = row["target"].removeprefix(f"{outputs.ELF_FOLDER}/")
    patches = [patch for patch in system.patches if patch.elf == elf and patch.value is not None]
    asked = [patch for patch in patches if patch.symbol == row["symbol"]]
    message, told, advice = row["message"].rpartition("; ")
    where, *others = _places(system, row, asked, patches)
    notes = tuple((place, "this takes part") for place in others)
    if not told:
        message, advice = advice, ""
    return Fault(code, f"in {elf}, {message} ({row['code']})", where, advice, notes, severity)


def _places(system: System, row: dict[str, Any], asked: list[Patch], patches: list[Patch]) -> list[Where]:
    """Return the places that a fault is about; one about a whole file is about what names the file first."""
    key = _KEYS.get(row["code"], "symbol")
    if asked:
        return list(dict.fromkeys(_place(patch, key) for patch in asked))
    return [patches[0].origin.at("elf") if patches else system.origin.at("name")]


def _place(patch: Patch, key: str) -> Where:
    """Return the place of a key, of `text` instead of `value`, or else of the symbol."""
    keys = ("value", "text") if key == "value" else (key,)
    return patch.origin.at(next((name for name in keys if patch.origin.given(name)), "symbol"))
