"""From the name of a system file to the text of a description that makes the same system."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from sdfgen.existing.examine import examine
from sdfgen.facts.dialects import CONFIGS
from sdfgen.faults.fault import Fault, Faults
from sdfgen.importing.draft import drafts_of, node_of
from sdfgen.importing.guests import with_guests
from sdfgen.importing.law import broken
from sdfgen.importing.text import text_of
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sdfgen.existing.examine import Examined
    from sdfgen.existing.request import Request
    from sdfgen.importing.draft import Draft
    from sdfgen.model.system import System
    from sdfgen.read.element import Element

_FOREIGN = "SDF009"
_LEFT_OUT = ("SDF004", "SDF204")
"""Notes of what Microkit does not look at: it is not in the description."""
_NO_BOARD_FILE = "SDF010"
"""A note where the board is one of Microkit's all the same."""
_REMARK = "name the boards that it is for"


class Imported(NamedTuple):
    """A system file as a description.

    Attributes:
        text: The description; None where there are errors.
        faults: What keeps it from being one, and what was left out.
        said: What was taken for granted, in words.
    """

    text: str | None
    faults: Faults
    said: tuple[str, ...] = ()


def import_system(request: Request, folder: str, name: str | None = None) -> Imported:
    """Return the description that makes a system file's system, or what keeps it from being made.

    Args:
        request: The system file, and what it is read for.
        folder: The folder that the description will be in.
        name: The system's name; by default the file's.
    """
    examined = examine(request)
    faults = Faults()
    faults.extend(_other_architecture(examined) or _told(examined))
    if faults.errors or examined.system is None or examined.root is None:
        return Imported(None, faults)
    system, root = examined.system, examined.root
    head, raw = _head(system, request, name or _name(request.path)), drafts_of(root, system)
    drafts = with_guests(raw, system, head, root, folder) or raw
    text, found = _described(drafts, head, root, system, folder)
    if found.errors and drafts is not raw:
        drafts = raw
        text, found = _described(raw, head, root, system, folder)
    faults.extend(found)
    return Imported(None if found.errors else text, faults, (*examined.said, *_also(examined, system, drafts)))


def _described(
    drafts: tuple[Draft, ...], head: Mapping[str, Any], root: Element, system: System, folder: str
) -> tuple[str, Faults]:
    """Return the text of a description, and what keeps it from making the system."""
    text = text_of(drafts, head, root, "" if head["boards"] else _REMARK)
    return text, broken(node_of(drafts, head, root), text, system, folder)


def _told(examined: Examined) -> Iterator[Fault]:
    """Yield what is wrong, and what Microkit does not look at; all else is for `check` to tell."""
    yield from (one for one in examined.faults if one.severity == "error" or one.code in _LEFT_OUT)


def _other_architecture(examined: Examined) -> list[Fault]:
    """Return one fault where a file is for x86, or is to be read for a board of another architecture."""
    board = examined.request.board
    found = [fault for fault in examined.faults if fault.code == _FOREIGN]
    if found:
        message = f"{found[0].message.split(' is for x86')[0]} is for x86, and descriptions are of AArch64 systems"
        return [Fault(_FOREIGN, message, found[0].where, "`sdfgen check` reads it")]
    if board is None:
        return []
    from sdfgen.facts.unknown_board import architecture

    other = architecture(board, os.environ.get("MICROKIT_SDK") or None)
    unknown = next((fault for fault in examined.faults if fault.code == _NO_BOARD_FILE), None)
    if other is None or unknown is None:
        return []
    message = f"board `{board}` is {other}, and descriptions are of AArch64 systems"
    return [unknown._replace(message=message, advice="`sdfgen check` reads it", severity="error")]


def _head(system: System, request: Request, name: str) -> dict[str, Any]:
    """Return what `[system]` says; the Microkit version too where it is the default, which may be another one day."""
    head = {
        "name": name,
        "boards": [request.board] if request.board else [],
        "microkit": system.dialect.version,
    }
    return head if system.config == CONFIGS[0] else {**head, "config": system.config}


def _name(path: str) -> str:
    """Return a name for the system: the file's, of letters that names of files and C may have."""
    stem = os.path.basename(path).removesuffix(".system") if path != "-" else ""
    return re.sub(r"[^A-Za-z0-9_-]", "_", stem) or "system"


def _also(examined: Examined, system: System, drafts: Sequence[Draft]) -> Iterator[str]:
    """Yield what somebody may expect otherwise of the description."""
    if any(fault.code == _NO_BOARD_FILE for fault in examined.faults):
        yield f"board `{examined.request.board}` has no board file, which a build needs"
    guests = {draft.keys["name"] for draft in drafts if draft.key == "guest"}
    machines = [f"`{vm.name}`" for _, vm in system.vms() if vm.name not in guests]
    if machines:
        yield f"{', '.join(machines)} stayed virtual_machine and became no [[guest]] (docs/import.md)"
    if guests:
        yield f"kernels, initial RAM disks and command lines of {', '.join(sorted(guests))} stand in no system file"
    awaited = [f"`{region.prefill_path}`" for region in system.regions if region.prefill_made]
    if awaited:
        yield f"{', '.join(awaited)} must lie beside the description"
