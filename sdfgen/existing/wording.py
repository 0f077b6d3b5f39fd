"""What rules advise, said of a system file: they speak of tables and keys, which are elements and attributes here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdfgen.faults.fault import Fault

_WORDS = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"add \[\[protection_domain\]\] or \[\[guest\]\]", "add <protection_domain>"),
        (r"add vcpu = \[\{ id = 0 \}\]", 'add <vcpu id="0" />'),
        (r"set `microkit = \"([\d.]+)\"`", r"use Microkit \1"),
        (r"microkit = \"([\d.]+)\"", r"Microkit \1"),
        (r"this description is for", "this file is read as one for"),
        (r"paths are relative to the description", "files are looked for beside the system file and in --search-path"),
        (r"add or remove \[\[domains\.schedule\]\] tables", "add or remove <schedule_entry>"),
        (r"name one of `domains\.names`", "name a <domain>"),
        (r", -1 where Microkit may choose|, or -1 where Microkit may choose", ", or leave it out: Microkit chooses"),
        (r"`end_marker`", "write <schedule_end_marker />"),
        (r"set `(\w+) = (\w+)`", r'set `\1="\2"`'),
        (r"`?\[\[?(memory_region|protection_domain|domains|virtual_machine|channel)\]\]?`?", r"<\1>"),
    )
)


def in_xml(fault: Fault) -> Fault:
    """Return a fault in the words of system files."""
    notes = tuple((where, _said(words)) for where, words in fault.notes)
    return fault._replace(message=_said(fault.message), advice=_said(fault.advice), notes=notes)


def _said(text: str) -> str:
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text
