"""Words that several formats say alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.views.document import ServiceView, SystemView
    from sdfgen.views.domains import GuestView

_MIB = 2**20


DMA_WORDS = "DMA: reads and writes any physical memory (no SMMU)"
UNKNOWN_WORDS = "not in the board file: whether it does DMA is not known"


def title(view: SystemView) -> str:
    """Return what a system is called: its name, and its board where that is known."""
    return f"{view.system} for {view.board}" if view.board else view.system


def about_text(size_bytes: int) -> str:
    """Return a size as a person reads it, to a tenth where it is no whole number of MiB."""
    if size_bytes >= _MIB and size_bytes % _MIB:
        return f"{size_bytes / _MIB:.1f} MiB"
    return size_text(size_bytes)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def rights_words(rights: str, *, cached: bool) -> str:
    """Return rights as they are shown, all of one width: `rw-`, and whether they go past the caches."""
    shown = "".join(right if right in rights else "-" for right in "rwx")
    return shown if cached else f"{shown} uncached"


def time_words(budget_us: int | None, period_us: int | None) -> str:
    """Return what of its time somebody may use; nothing for Microkit's default."""
    if budget_us is None or period_us is None:
        return ""
    return f"{budget_us} us" if budget_us == period_us else f"{budget_us} of {period_us} us"


def guest_words(guest: GuestView) -> list[str]:
    """Return what there is to say of a guest."""
    said = [f"RAM {size_text(guest.ram_bytes)} at {guest.ram_address:#x}"]
    said += [f"devices {', '.join(guest.devices)}"] if guest.devices else []
    said += [f"emulated {', '.join(one.name for one in guest.emulated)}"] if guest.emulated else []
    return said


def service_words(one: ServiceView) -> str:
    """Return what somebody may do through others."""
    return f"may {' and '.join(one.may)} {one.what}"


def slots_text(names: Iterable[str]) -> str:
    """Return names with rows of equal devices as their first and last: `virtio_mmio24 to virtio_mmio31`."""
    rows: list[list[str]] = []
    for name in names:
        if rows and _numbered(rows[-1][-1], 1) == _numbered(name, 0) is not None:
            rows[-1].append(name)
        else:
            rows.append([name])
    return ", ".join(row[0] if len(row) == 1 else f"{row[0]} to {row[-1]}" for row in rows)


def _numbered(name: str, more: int) -> tuple[str, int] | None:
    match = re.fullmatch(r"(.*?)(\d{1,9})", name)
    return (match[1], int(match[2]) + more) if match else None
