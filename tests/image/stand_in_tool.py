"""Stands in for the Microkit tool: places regions one after the other and reports that, or refuses.

It is a tool up to 2.0.1, or a later one where it is asked for the capDL specification. What it does beyond that is
asked for by names of regions: `refused` is an error of the tool's kind, `restless` moves whenever the content of a
program image changes, `settling` once, after the first run, and the last two pages of `torn` change places. `silent`
makes a report of another form, `vague` a specification of another form.
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
IMAGE_ADDRESS = 0x6080_0000
OBJECTS = "# Kernel Objects Details"
BEFORE = "obj/before"
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
        if name == "settling" and os.path.exists(BEFORE):
            free += PAGE_BYTES
        start = int(fixed, 16) if fixed else free
        pages = list(range(start, start + int(size, 16), PAGE_BYTES))
        if name == "torn":
            pages[-2:] = reversed(pages[-2:])
        yield name, bool(fixed), pages
        free += 0 if fixed else int(size, 16)


def old_report(text: str, images: bytes) -> str:
    lines = ["# Kernel Boot Info", "", "# Allocated Kernel Objects Detail", ""]
    for name, is_fixed, pages in placed(text, images):
        for number, address in enumerate(pages):
            which = f"@ {address:x}" if is_fixed else f"#{number}"
            lines.append(f"    Page(4 KiB): MR={name} {which}      9 cap_addr=8000000000000001 phys_addr={address:x}")
    return "\n".join([*lines, "", "# System Kernel Invocations Detail", "", *old_maps(text)]) + "\n"


def frames(text: str, images: bytes) -> list[tuple[str, int]]:
    """Name and address of each page, in the order in which later tools have them."""
    every = [("frame_elf_alone_000000000", IMAGE_ADDRESS), ("frame_alone_stack_000000000", IMAGE_ADDRESS + PAGE_BYTES)]
    for name, _, pages in placed(text, images):
        every += [(f"frame_mr_{name}_{number:09}", address) for number, address in enumerate(pages)]
    return every


def report(text: str, images: bytes) -> str:
    lines = ["# Initial Task (CapDL Initialiser) Details", "", f"{OBJECTS}: ID, Type, Name, Physical Address"]
    for number, (name, address) in enumerate(frames(text, images)):
        lines.append(f"\t{number} - Page(4 KiB): '{name}' @ 0x{address:012x}")
    return "\n".join([*lines, f"\t{len(lines)} - TCB: 'tcb_alone' @ 0x00007de49000"]) + "\n"


def spec(text: str, images: bytes) -> str:
    """Page tables of three levels, each with the one entry that leads to a page."""
    names = [name for name, _ in frames(text, images)]
    objects = [{"name": name, "object": {"Frame": {"size_bits": 12, "paddr": None}}} for name in names]
    for owner, region, address in maps(text):
        ids = [number for number, name in enumerate(names) if re.fullmatch(f"frame_mr_{region}_[0-9]+", name)]
        for page, frame in enumerate(ids):
            cap: dict[str, object] = {"Frame": {"object": frame}}
            for level, kind in ((3, "pt"), (2, "pd"), (1, "pud")):
                index = (address + page * PAGE_BYTES) >> 12 + 9 * (3 - level)
                slot = index if level == 1 else index & 511
                table = {"is_root": level == 1, "level": level, "slots": [{"slot": slot, "cap": cap}]}
                objects.append({"name": f"{kind}_{owner}", "object": {"PageTable": table}})
                cap = {"PageTable": {"object": len(objects) - 1}}
    return json.dumps({"objects": [*objects, {"name": "ep", "object": "Endpoint"}], "irqs": []}, indent=2)


def maps(text: str) -> Iterator[tuple[str, str, int]]:
    owner = ""
    for line in text.splitlines():
        if match := OWNER.search(line):
            owner = match[1]
        if match := MAP.search(line):
            yield owner, match[1], int(match[2], 16)


def old_maps(text: str) -> Iterator[str]:
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
    arguments = parser.parse_args()
    text = Path(arguments.system).read_text(encoding="utf-8")
    images = b"".join(found(name, arguments.search_path) for name in IMAGE.findall(text))
    for number, line in enumerate(text.splitlines(), 1):
        if 'mr="refused"' in line:
            sys.exit(f"Error: I do not like it on element 'map': {arguments.system}:{number}:{line.index('<') + 1}")
    Path(arguments.output).write_bytes(images)
    told = (report if arguments.spec else old_report)(text, images)
    capdl = spec(text, images)
    Path(arguments.report).write_text("{}\n" if '"silent"' in text else told, encoding="utf-8")
    if arguments.spec:
        Path(BEFORE).touch()
        Path(arguments.spec).write_text("{}\n" if '"vague"' in text else capdl, encoding="utf-8")


if __name__ == "__main__":
    main()
