"""Stands in for the Microkit tool: places regions one after the other and reports that, or refuses.

What it does beyond that is asked for by names of regions: `refused` is an error of the tool's kind, and
`restless` moves whenever the content of a program image changes. `silent` makes a report of another form.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from pathlib import Path

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


def report(text: str, images: bytes) -> str:
    lines = ["# Kernel Boot Info", "", "# Allocated Kernel Objects Detail", ""]
    free = FIRST_ADDRESS
    for name, size, fixed in REGION.findall(text):
        if name == "restless":
            free += hashlib.sha256(images).digest()[0] * PAGE_BYTES
        start = int(fixed, 16) if fixed else free
        for number, address in enumerate(range(start, start + int(size, 16), PAGE_BYTES)):
            which = f"@ {address:x}" if fixed else f"#{number}"
            lines.append(f"    Page(4 KiB): MR={name} {which}      9 cap_addr=8000000000000001 phys_addr={address:x}")
        free += 0 if fixed else int(size, 16)
    return "\n".join([*lines, "", "# System Kernel Invocations Detail", "", *maps(text)]) + "\n"


def maps(text: str) -> list[str]:
    lines, owner = [], ""
    for line in text.splitlines():
        if match := OWNER.search(line):
            owner = match[1]
        if match := MAP.search(line):
            lines += [
                f"    0x0001 Page                 - Map               - 0x01 (Page(4 KiB): MR={match[1]} #0 (derived))",
                f"         vspace (cap)         0x02 (VSpace: PD={owner})",
                f"         vaddr                0x{match[2]}",
            ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("system")
    parser.add_argument("--board", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--search-path", nargs="*", default=[])
    parser.add_argument("-o", dest="output", required=True)
    parser.add_argument("-r", dest="report", required=True)
    arguments = parser.parse_args()
    text = Path(arguments.system).read_text(encoding="utf-8")
    images = b"".join(found(name, arguments.search_path) for name in IMAGE.findall(text))
    for number, line in enumerate(text.splitlines(), 1):
        if 'mr="refused"' in line:
            sys.exit(f"Error: I do not like it on element 'map': {arguments.system}:{number}:{line.index('<') + 1}")
    Path(arguments.output).write_bytes(images)
    told = "{}\n" if '"silent"' in text else report(text, images)
    Path(arguments.report).write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
