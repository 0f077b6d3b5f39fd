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
    faults = _read(os.path.join(folder, outputs.PATCH_FAULTS)).get("faults", [])
    files = [] if faults else _read(os.path.join(folder, outputs.PATCH_RECORD)).get("files", [])
    warnings = [{**row, "target": file["target"]} for file in files for row in file["warnings"]]
    return [_fault(system, "error", row) for row in faults] + list(_warnings(system, warnings))


def _warnings(system: System, rows: list[dict[str, Any]]) -> Iterator[Fault]:
    """Yield warnings of what the description still asks for: a record stays when nothing is left to patch."""
    asked = {(outputs.elf(patch.elf), patch.symbol) for patch in system.patches if patch.value is not None}
    told = (_fault(system, "warning", row) for row in rows if (row["target"], row["symbol"]) in asked)
    return first_at_each_place(told)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            content: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return {}
    return content


def _fault(system: System, severity: str, row: dict[str, Any]) -> Fault:
    elf = row["target"].removeprefix(f"{outputs.ELF_FOLDER}/")
    return patch_fault(system, elf, row["code"], row["message"], row["symbol"], severity=severity)
