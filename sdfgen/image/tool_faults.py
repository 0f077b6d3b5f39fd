"""What the Microkit tool says, and whence in the description it comes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.rules.symbols import symbols

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.system import System

# The tool quotes names, names pages `MR=NAME` or 'frame_mr_NAME_0', and ends with the place in the system file.
_NOISE = re.compile(
    r"^(BUILT: .*|MICROKIT\|.*|ninja: .*|FAILED: .*|note: .*|stack backtrace:|thread '.* panicked at .*|  +.*)$"
)
_ERROR = re.compile(r"^(?:Error: |ERROR: |microkit: error: |\")+")
_NAMES = re.compile(r"\b(?:MR|PD|VM)=([^\s')]+)|\bMR (\w\S*)|'([^'=]+)'")
_FRAME = re.compile(r"frame_(?:mr_|elf_|ipcbuf_)?(.+?)(?:_stack)?(?:_\d{9,})?")
_PLACE = re.compile(r"\.system:(?P<line>\d+):(?P<column>\d+)")
_INNER = "Internal error: "
"""Behind it stands what is wrong; before it, what led there, a line for each step."""
_SHOWN_LINES = 4
_ATTRIBUTES = re.compile(r'\b(?:name|mr|pd|symbol|region_paddr|path)="([^"]*)"')


def tool_faults(system: System, said: str, system_file: str) -> list[Fault]:
    """Return what the Microkit tool said as a fault, at the place in the description that it leads back to.

    Args:
        system: The system.
        said: What the tool wrote.
        system_file: The text of the system file.
    """
    lines = [line for line in said.splitlines() if line.strip() and not _NOISE.match(line)]
    lines = [line for line in lines if _ERROR.match(line)] or lines
    inner = next((line.partition(_INNER)[2] for line in lines if line.startswith(_INNER)), None)
    message = inner or "; ".join(map(_plain, lines[:_SHOWN_LINES])) or "it failed without a word"
    places = _origins(system)
    found = [places[name] for name in _named(message, system_file.splitlines()) if name in places]
    advice = f"elements are those of {system.name}.system"
    for words, suspects, told in _KNOWN:
        if words in message:
            found, advice = found or list(suspects(system)), told
    where, *others = list(dict.fromkeys(found)) or [system.origin.at("name")]
    notes = tuple((place, "it takes part") for place in others)
    return [Fault("SDF103", f"the Microkit tool says: {message}", where, advice, notes)]


def _fixed_regions(system: System) -> Iterator[Where]:
    """Yield the places of the physical addresses that the author wrote."""
    return (r.origin.at("phys_addr") for r in system.regions if r.phys_addr is not None and r.origin.given("phys_addr"))


def guest_files(system: System) -> Iterator[Where]:
    """Yield the places of the files that make program images large.

    Args:
        system: The system.
    """
    for guest in system.guests:
        yield from (guest.origin.at(key) for key in ("initrd", "kernel") if guest.origin.given(key))


def _large_regions(system: System) -> Iterator[Where]:
    """Yield the places of the largest region that Microkit is to place, and of what makes program images large."""
    free = [region for region in system.regions if region.phys_addr is None]
    if free:
        largest = max(free, key=lambda region: region.size_bytes or 0)
        yield largest.origin.at(largest.key or "size")
    yield from guest_files(system)


_KNOWN = (
    (
        "bootstrap invocations too large",
        guest_files,
        (
            "all program images together are too large for this version of Microkit: give guests smaller files, fewer "
            "guests, or take a later version"
        ),
    ),
    (
        "phys_address >= self.last_fixed_address",
        _fixed_regions,
        "a phys_addr lies where the tool has put the program images: use an address above them, or leave it out",
    ),
    (
        "is not in any valid memory region",
        _fixed_regions,
        (
            "the kernel keeps that memory, or all program images together reach there: use an address in a "
            "[[window]] of the board file, or leave it out"
        ),
    ),
    (
        "Overlapping regions: ",
        guest_files,
        (
            "all program images together reach from the kernel to where the image is loaded: give guests smaller "
            "files, or have fewer guests"
        ),
    ),
    (
        "ran out of untypeds",
        _large_regions,
        "there is not enough memory; the tool counts program images twice: make regions or guests' files smaller",
    ),
    (
        "cannot allocate memory for the initialiser",
        guest_files,
        "all program images together need one block of memory: give guests smaller files, or fewer guests",
    ),
    (
        "cannot auto-select a physical address",
        _large_regions,
        "the region's address is told on, so it needs one block of memory: make it smaller, or move fixed ones",
    ),
)
"""What the tool says: the words, who may be meant where it names nobody, and what to do."""


def _plain(message: str) -> str:
    """Take away what only says that it is an error, and the folders of the file that sdfgen made."""
    text = _ERROR.sub("", message)
    text = text.rstrip('"') if message.endswith('"') and text.count('"') == 1 else text
    return re.sub(r"\S*/(?=[^/\s]+\.system:\d)", "", text)


def _named(message: str, system_lines: list[str]) -> Iterator[str]:
    """Yield the names in a message, those of the element that it points to first."""
    for match in _PLACE.finditer(message):
        number = int(match["line"])
        if 0 < number <= len(system_lines):
            yield from _ATTRIBUTES.findall(system_lines[number - 1])
    for names in _NAMES.findall(message):
        name = next(filter(None, names))
        frame = _FRAME.fullmatch(name)
        yield from (name, os.path.basename(name), *((frame[1],) if frame else ()))


def _origins(system: System) -> dict[str, Where]:
    """Return the place of everything that has a name; regions first, since sdfgen names them after their owners."""
    found: dict[str, Where] = {}
    for region in system.regions:
        key = "phys_addr" if region.origin.given("phys_addr") else "name"
        found.setdefault(region.name, region.origin.at(region.key or key))
    for pd in system.all_pds():
        found.setdefault(pd.name, pd.origin.at("name"))
        for image in (pd.program_image, os.path.basename(pd.program_image)):
            found.setdefault(image, pd.origin.at("program_image"))
        if pd.vm is not None:
            found.setdefault(pd.vm.name, pd.vm.origin.at("name"))
    for _, symbol, origin, key in symbols(system):
        found.setdefault(symbol, origin.at(key))
    return found
