"""Board files for tests, made of the shipped one for QEMU, and a description with guests for them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from sdfgen.facts.board import board_files

HERE = Path(__file__).parent
OWN = "mine"
QEMU = "qemu_virt_aarch64"
SYSTEM = f"""
[system]
name = "own"
boards = ["{OWN}"]
[[guest]]
name = "driver"
devices = ["virtio_mmio31"]
[[guest]]
name = "client"
disk = [{{ partition = 0 }}]
[block]
driver = "driver"
storage = "/dev/vda"
"""


def cases(name: str) -> list[dict[str, Any]]:
    """Read a file of cases."""
    return list(tomllib.loads((HERE / name).read_text(encoding="utf-8"))["case"])


def board_text(case: dict[str, Any]) -> str:
    """Return the shipped board file with a case's changes."""
    text = Path(board_files()[QEMU]).read_text(encoding="utf-8")
    for before, after in case.get("edits", ()):
        # Whole words: `cpu_interface` is not the end of `vcpu_interface`.
        parts = re.split(rf"(?<![A-Za-z0-9_]){re.escape(before)}(?![A-Za-z0-9_])", text)
        assert len(parts) == 2, before
        text = after.join(parts)
    for table in case.get("without", ()):
        text, count = re.subn(rf"^\[{table}\]\n(?:(?!\[).*\n)*", "", text, flags=re.MULTILINE)
        assert count == 1
    return f"{text}\n{case.get('more', '')}\n"


def put(folder: Path, case: dict[str, Any], system: str = SYSTEM) -> None:
    """Write a description with a board file of its own."""
    (folder / "boards").mkdir(exist_ok=True)
    (folder / "boards" / f"{OWN}.toml").write_text(board_text(case), encoding="utf-8")
    (folder / "system.toml").write_text(system, encoding="utf-8")
