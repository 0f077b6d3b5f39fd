"""Stands in for the Microkit tool: places regions one after the other and reports that, or refuses.

It is a tool up to 2.0.1, or a later one where it is asked for the capDL specification. What it does beyond that is
asked for by names of regions: `refused` is an error of the tool's kind, `restless` moves whenever the content of a
program image changes, and the last two pages of `torn` change places. `silent` makes a report or a specification of
another form.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_ADDRESS = 0x6100_0000
PAGE_BYTES = 0x1000
REGION = re.compile(r'<memory_region name="([^"]+)" size="0x([0-9a-f]+)"(?: phys_addr="0x([0-9a-f]+)")?')
MAP = re.compile(r'<map mr="([^"]+)" vaddr="0x([0-9a-f]+)"')
OWNER = re.compile(r'<(?:protection_domain|virtual_machine) name="([^"]+)"')
IMAGE = re.compile(r'<program_image path="([^"]+)"')


def found(name: str, folders: list[str]) -> bytes:
    for folder in folders:
        if os.path.isfile(os.path.join(folder, name)):
            return Path(folder, name).read_bytes()
    sys.exit(f"Error: \"unable to find program image: '{name}'\"")


def placed(text: str, images: bytes) -> Iterator[tuple[str, bool, list[int]]]:
    """Name, whether it has an address of its own, and the addresses of the pages of each region."""
    free = FIRST_ADDRESS
    for name, size, fixed in REGION.findall(text):
        if name == "restless":
            free += hashlib.sha256(images).digest()[0] * PAGE_BYTES
        start = int(fixed, 16) if fixed else free
        pages = list(range(start, start + int(size, 16), PAGE_BYTES))
        if name == "torn":
            pages[-2:] = reversed(pages[-2:])
        yield name, bool(fixed), pages
        free += 0 if fixed else int(size, 16)


def report(text: str, images: bytes) -> str:
    lines = ["# Kernel Boot Info", "", "# Allocated Kernel Objects Detail", ""]
    for name, is_fixed, pages in placed(text, images):
        for number, address in enumerate(pages):
            which = f"@ {address:x}" if is_fixed else f"#{number}"
            lines.append(f"    Page(4 KiB): MR={name} {which}      9 cap_addr=8000000000000001 phys_addr={address:x}")
    return "\n".join([*lines, "", "# System Kernel Invocations Detail", "", *text_maps(text)]) + "\n"


def spec(text: str, images: bytes) -> str:
    """Pages, whose addresses are there when they are decided, and page tables of three levels for each page."""
    objects: list[dict[str, object]] = [frame("elf_alone_000000000", None), frame("alone_stack_000000000", None)]
    ids: dict[str, list[int]] = {}
    for name, is_fixed, pages in placed(text, images):
        ids[name] = list(range(len(objects), len(objects) + len(pages)))
        is_known = is_fixed or f'region_paddr="{name}"' in text
        objects += [frame(f"mr_{name}_{n:09}", page if is_known else None) for n, page in enumerate(pages)]
    for owner, region, address in maps(text):
        for page, number in enumerate(ids[region]):
            cap: dict[str, object] = {"Frame": {"object": number}}
            for level, kind in ((3, "pt"), (2, "pd"), (1, "pud")):
                index = (address + page * PAGE_BYTES) >> 12 + 9 * (3 - level)
                slot = index if level == 1 else index & 511
                table = {"is_root": level == 1, "level": level, "slots": [{"slot": slot, "cap": cap}]}
                objects.append({"name": f"{kind}_{owner}", "object": {"PageTable": table}})
                cap = {"PageTable": {"object": len(objects) - 1}}
    return json.dumps({"objects": [*objects, {"name": "ep", "object": "Endpoint"}], "irqs": []}, indent=2)


def frame(name: str, address: int | None) -> dict[str, object]:
    return {"name": f"frame_{name}", "object": {"Frame": {"size_bits": 12, "paddr": address}}}


def maps(text: str) -> Iterator[tuple[str, str, int]]:
    owner = ""
    for line in text.splitlines():
        if match := OWNER.search(line):
            owner = match[1]
        if match := MAP.search(line):
            yield owner, match[1], int(match[2], 16)


def text_maps(text: str) -> Iterator[str]:
    for owner, region, address in maps(text):
        yield f"    0x0001 Page                 - Map               - 0x01 (Page(4 KiB): MR={region} #0 (derived))"
        yield f"         vspace (cap)         0x02 (VSpace: PD={owner})"
        yield f"         vaddr                0x{address:x}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("system")
    parser.add_argument("--board", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--search-path", nargs="*", default=[])
    parser.add_argument("-o", dest="output", required=True)
    parser.add_argument("-r", dest="report", required=True)
    parser.add_argument("--capdl-json", dest="spec")
    parser.add_argument("--image-type")
    arguments = parser.parse_args()
    text = Path(arguments.system).read_text(encoding="utf-8")
    images = b"".join(found(name, arguments.search_path) for name in IMAGE.findall(text))
    for number, line in enumerate(text.splitlines(), 1):
        if 'mr="refused"' in line:
            sys.exit(f"Error: I do not like it on element 'map': {arguments.system}:{number}:{line.index('<') + 1}")
    Path(arguments.output).write_bytes(images)
    told = "{}\n" if '"silent"' in text else None
    if arguments.spec:
        Path(arguments.spec).write_text(told or spec(text, images), encoding="utf-8")
        Path(arguments.report).write_text("# Initial Task (CapDL Initialiser) Details\n", encoding="utf-8")
    else:
        Path(arguments.report).write_text(told or report(text, images), encoding="utf-8")


if __name__ == "__main__":
    main()
