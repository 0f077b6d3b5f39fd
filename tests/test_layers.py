"""Imports go one way: each part of sdfgen/ imports only what stands below it, and no files form a circle.

Imports inside functions count, and those for type checkers too.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sdfgen

ROOT = Path(sdfgen.__file__).parent
# From the top: who may import whom. Parts on one line stand beside each other.
LAYERS = (
    ("__main__",),
    ("start",),
    ("commands",),
    ("doctor", "project"),
    ("linux",),
    ("run",),
    ("build",),
    ("verify",),
    ("image",),
    ("importing",),
    ("generate", "describe", "existing"),
    ("views",),
    ("judge",),
    ("resolve",),
    ("subsystems",),
    ("guests",),
    ("rules",),
    ("layout",),
    ("emit",),
    ("guest_files",),
    ("outputs",),
    ("model",),
    ("spec",),
    ("facts",),
    ("schema",),
    ("read",),
    ("faults",),
    ("interrupts",),
    ("units", "records"),
)
LEVEL = {part: level for level, parts in enumerate(reversed(LAYERS)) for part in parts}
# Each subsystem's words, by its folder.
SUBSYSTEM = {
    "block": re.compile(r"\b((?<!virtio-)blk|block subsystem|virtio_blk|virtualiser|subsystems\.block)\b"),
    "console": re.compile(r"\b(hvc0|multiplexer|console_mux|virtio_console|console_pl011|subsystems\.console)\b"),
}
# Where words of a subsystem may stand in what is not its own; the second has names of Linux's modules.
MAY_NAME = {"subsystems/register.py", "linux/guest.py"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in ROOT.rglob("*.py")}


def imported(path: Path) -> set[str]:
    """The modules of ours that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES.keys()) or {node.module}
    return found & MODULES.keys() - {"sdfgen"}


GRAPH = {module: imported(path) for module, path in MODULES.items()}


def part_of(module: str) -> str:
    return module.split(".")[1]


def test_every_part_has_its_place() -> None:
    assert {part_of(module) for module in MODULES if module != "sdfgen"} == LEVEL.keys()


def test_imports_go_down() -> None:
    up = [
        f"{module} imports {other}"
        for module, others in sorted(GRAPH.items())
        for other in sorted(others)
        if module != "sdfgen" and part_of(module) != part_of(other) and LEVEL[part_of(module)] <= LEVEL[part_of(other)]
    ]
    assert up == []


def test_no_circle() -> None:
    done: set[str] = set()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module not in done:
            for other in sorted(GRAPH[module]):
                walk(other, (*way, module))
            done.add(module)

    for module in sorted(GRAPH):
        walk(module, ())


@pytest.mark.parametrize("package", sorted(path.name for path in (ROOT / "subsystems").iterdir() if path.is_dir()))
def test_no_subsystem_knows_another(package: str) -> None:
    own = f"sdfgen.subsystems.{package}"
    for module in (module for module in GRAPH if module.startswith(own)):
        others = {other for other in GRAPH[module] if other.startswith("sdfgen.subsystems.")}
        assert all(other.startswith((own, "sdfgen.subsystems.roles")) for other in others), module


@pytest.mark.parametrize("subsystem", SUBSYSTEM)
def test_nothing_else_names_a_subsystem(subsystem: str) -> None:
    own = ROOT / "subsystems" / subsystem
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted(MODULES.values())
        if own not in path.parents and str(path.relative_to(ROOT)) not in MAY_NAME
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SUBSYSTEM[subsystem].search(line)
    ]
    assert named == []
