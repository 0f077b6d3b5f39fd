"""Each key of the first form has a row in docs/moving-to-2.md, a new place, and a fault that says where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.commands.reference import json_schema
from sdfgen.describe import describe
from sdfgen.faults.render import as_text
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# The keys of [block], [block.driver], [block.virtualiser] and [block.client] of the last version that had them.
OLD = (Path(__file__).parent / "old_keys.txt").read_text(encoding="utf-8").split()
ROW = re.compile(r"^\| `(block\.[\w.]+)` \| (.+) \|$", re.MULTILINE)
ROWS = dict(ROW.findall((ROOT / "docs" / "moving-to-2.md").read_text(encoding="utf-8").partition("## What ")[0]))
MOVED = [key for key in OLD if f"`{key}`" not in ROWS.get(key, "")]

SYSTEM = """\
[system]
name = "moved"
boards = ["qemu_virt_aarch64"]
microkit = "2.3.0"
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
[[guest]]
name = "client1"
disk = [{ partition = 0 }]
"""
BLOCK = '[block]\nstorage = "/dev/vda"\n'
DRIVEN = f'{BLOCK}driver = "storage"\n'
TABLES = {
    "block": DRIVEN,
    "block.driver": f"{BLOCK}[block.driver]\n",
    "block.client": f"{DRIVEN}[[block.client]]\n",
    "block.virtualiser": f"{DRIVEN}[block.virtualiser]\n",
}
TEXTS = ("name", "domain", "image", "kernel", "initrd", "dtb", "bootargs", "storage", "kind", "ram", "data_size")
LISTS = ("devices", "interrupts")


def new_keys(row: str) -> list[str]:
    """The dotted paths that a row names."""
    return [path for path in re.findall(r"`([\w.]+)`", row) if path.startswith(("block", "guest", "protection_domain"))]


def reached(schema: dict[str, Any], path: str) -> bool:
    """Whether a description may have a key at this path, through tables and arrays of tables."""
    places = [schema]
    for step in path.split("."):
        tables = [table for place in places for table in tables_of(schema, place)]
        places = [table["properties"][step] for table in tables if step in table.get("properties", {})]
    return bool(places)


def tables_of(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        yield from tables_of(schema, schema["$defs"][node["$ref"].removeprefix("#/$defs/")])
    elif "items" in node:
        yield from tables_of(schema, node["items"])
    elif "properties" in node:
        yield node
    for kind in ("anyOf", "oneOf", "allOf"):
        for choice in node.get(kind, ()):
            yield from tables_of(schema, choice)


def value(key: str) -> str:
    if key in LISTS:
        return '["rtc"]'
    return {"kind": '"linux"', "ram": '"64 MiB"', "data_size": '"2 MiB"', "read_only": "true"}.get(
        key, '"x"' if key in TEXTS else "1"
    )


def test_every_old_key_has_a_row() -> None:
    assert list(ROWS) == OLD


@pytest.mark.parametrize("old", OLD)
def test_every_new_key_exists(old: str) -> None:
    schema = json.loads(json_schema())
    named = new_keys(ROWS[old])
    assert named
    assert [path for path in named if not reached(schema, path)] == []


@pytest.mark.parametrize("old", MOVED)
def test_an_old_key_gets_one_fault_that_names_the_new_place(old: str, tmp_path: Path) -> None:
    table, _, key = old.rpartition(".")
    written = "[[block.client]]\n" if old == "block.client" else f"{key} = {value(key)}\n"
    path = tmp_path / "system.toml"
    path.write_text(SYSTEM + TABLES[table] + written, encoding="utf-8")
    faults = describe(str(path)).faults.sorted()
    text = as_text(faults)
    assert len(faults) == 1, text
    assert faults[0].where.source.line(faults[0].place.line) in TABLES[table] + written
    told = f"{faults[0].message} {faults[0].advice}"
    assert all(path.rpartition(".")[2] in told for path in new_keys(ROWS[old])), text


def test_a_whole_description_of_the_first_form_is_told_nothing_but_where_its_keys_are_now(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text(
        '[system]\nname = "old"\nboards = ["qemu_virt_aarch64"]\n'
        '[block.driver]\nstorage = "/dev/vda"\ndevices = ["virtio_mmio31"]\n'
        '[[block.client]]\nname = "client1"\npartition = 0\n',
        encoding="utf-8",
    )
    faults = describe(str(path)).faults.sorted()
    assert [fault.place.line for fault in faults] == [5, 6, 8, 9], as_text(faults)
