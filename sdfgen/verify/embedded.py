"""Reads the guests that were linked into VMMs back: their device trees, and what lies where these say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guest_files.embed import IMAGES
from sdfgen.guest_files.initrd import empty
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.model.guest import Guest

_CELL_BITS = 32


class Embedded(NamedTuple):
    """A guest's files in a program image: content by name of `IMAGES`."""

    files: dict[str, bytes]


def read_embedded(path: str) -> Embedded:
    """Return what lies between the symbols of each guest file; only what the image has.

    Args:
        path: The program image.
    """
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    files = {}
    with open(path, "rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)  # noqa: S101 - `program_faults` looked
        for name in IMAGES:
            start, end = (table.get_symbol_by_name(f"_guest_{name}_image{suffix}") for suffix in ("", "_end"))
            if start and end:
                address, size = start[0]["st_value"], end[0]["st_value"] - start[0]["st_value"]
                file.seek(next(iter(elf.address_offsets(address, size)), 0))
                files[name] = file.read(size)
    return Embedded(files)


def guest_disagreements(guest: Guest, path: str) -> Iterator[str]:
    """Yield what a VMM's program image says differently about its guest than the system, in words.

    Args:
        guest: The guest.
        path: The program image.
    """
    import fdt

    files = read_embedded(path).files
    missing = [name for name in IMAGES if name not in files]
    if missing:
        yield f"{path}: no {', no '.join(missing)} of guest {guest.name}"
        return
    tree = fdt.parse_dtb(files["dtb"])
    disk_bytes = guest.initrd_bytes
    expected = {
        "memory": (guest.ram_gpa, guest.ram_bytes),
        "initrd bytes": disk_bytes or len(empty()),
        "initrd": (guest.initrd_gpa, guest.initrd_gpa + disk_bytes) if disk_bytes else (None, None),
    }
    written = {"memory": _memory(tree), "initrd bytes": len(files["initrd"]), "initrd": _initrd(tree)}
    for name, value in expected.items():
        if written[name] != value:
            yield f"{path}: {name} of guest {guest.name}: {written[name]} is written, {value} was decided"


def _initrd(tree: object) -> tuple[int | None, ...]:
    """Return start and end of the initial RAM disk that a device tree tells."""
    chosen = tree.get_node("/chosen")  # type: ignore[attr-defined]
    words = [chosen.get_property(f"linux,initrd-{end}") for end in ("start", "end")]
    return tuple(_number(word.data) if word is not None else None for word in words)


def _memory(tree: object) -> tuple[int, ...] | None:
    """Return start and size of the RAM that a device tree tells."""
    root = tree.root  # type: ignore[attr-defined]
    nodes = [node for node in root.nodes if node.get_property("device_type") is not None and _is_memory(node)]
    if len(nodes) != 1:
        return None
    cells = nodes[0].get_property("reg").data
    half = len(cells) // 2
    return _number(cells[:half]), _number(cells[half:])


def _is_memory(node: object) -> bool:
    return bool(node.get_property("device_type").value == "memory")  # type: ignore[attr-defined]


def _number(cells: list[int]) -> int:
    number = 0
    for cell in cells:
        number = number << _CELL_BITS | cell
    return number
