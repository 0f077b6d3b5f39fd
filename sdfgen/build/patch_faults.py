"""What the patcher said, at the places in the description that asked for the patches."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.rules.patch_files import first_at_each_place, patch_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System


def patch_faults(system: System, folder: str) -> list[Fault]:
    """Return what the patcher found when a board's ELFs were patched last: faults, or else warnings.

    Args:
        system: The system.
        folder: The folder that it was made in.
    """
    faults = [fault for step in outputs.PATCH_STEPS for fault in _rows(folder, outputs.patch_faults(step), "faults")]
    files = patched_files(folder) if not faults else []
    warnings = [{**row, "target": file["target"]} for file in files for row in file["warnings"]]
    return [_fault(system, "error", row) for row in faults] + list(_warnings(system, warnings))


def patched_files(folder: str) -> list[dict[str, Any]]:
    """Return what the patcher did when a board's ELFs were patched last, by file.

    Args:
        folder: The folder that it was made in.
    """
    return [file for step in outputs.PATCH_STEPS for file in _rows(folder, outputs.patch_record(step), "files")]


def _warnings(system: System, rows: list[dict[str, Any]]) -> Iterator[Fault]:
    """Yield warnings of what the description still asks for: a record stays when nothing is left to patch."""
    asked = {(outputs.elf(patch.elf), patch.symbol) for patch in system.patches if patch.value is not None}
    told = (_fault(system, "warning", row) for row in rows if (row["target"], row["symbol"]) in asked)
    return first_at_each_place(told)


def _rows(folder: str, name: str, key: str) -> list[dict[str, Any]]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            rows: list[dict[str, Any]] = json.load(file)[key]
    except FileNotFoundError:
        return []
    return rows


def _fault(system: System, severity: str, row: dict[str, Any]) -> Fault:
    elf = row["target"].removeprefix(f"{outputs.ELF_FOLDER}/")
    return patch_fault(system, elf, row["code"], row["message"], row["symbol"], severity=severity)
