"""What the name of a partition may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdfgen.subsystems.block.partition_name import PartitionName

MAX_ENTRY = 127
"""A GUID partition table has 128 entries."""
LABEL_UNITS = 36
"""Of UTF-16, which an entry of a GUID partition table has room for."""
_GPT_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MBR_UUID = re.compile(r"[0-9a-f]{8}-0[1-4]")


def wrong(name: PartitionName) -> tuple[str, str] | None:
    """Return what is wrong with a name, and what to do; None when nothing is."""
    if name.entry is not None and not 0 <= name.entry <= MAX_ENTRY:
        return f"is not from 0 to {MAX_ENTRY}", "count from 0; a GUID partition table has 128 entries, an MBR 4"
    if name.uuid is not None and not (_GPT_UUID.fullmatch(name.uuid) or _MBR_UUID.fullmatch(name.uuid)):
        return (
            "is no identifier of a partition",
            "write what `blkid` says: 8-4-4-4-12 digits of a GPT, or 8-2 of an MBR, which counts from 01 to 04",
        )
    return _wrong_label(name.label) if name.label is not None else None


def _wrong_label(label: str) -> tuple[str, str] | None:
    if any(ord(letter) < ord(" ") for letter in label):
        return "has control characters", "write it on one line"
    units = len(label.encode("utf-16-le", "surrogatepass")) // 2
    if units > LABEL_UNITS:
        return (
            f"is {units} characters of UTF-16 long",
            f"a GUID partition table has room for {LABEL_UNITS}: no partition is called so",
        )
    return None
