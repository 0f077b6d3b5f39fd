"""One thing that a step needs, and whether it is there."""

from __future__ import annotations

from typing import Final

from sdfgen.records import NamedTuple

STEPS: Final = {
    "check": "check a description",
    "build": "build all but the bootable image",
    "image": "make the bootable image",
    "run": "run it in QEMU",
}
"""What can be done, in order: each needs what those before it need."""
GOOD, MISSING, WRONG, UNKNOWN = "good", "missing", "wrong", "unknown"
_LACKING: Final = (MISSING, WRONG)


class Finding(NamedTuple):
    """One thing that a step needs.

    Attributes:
        step: The first step that needs it: a key of `STEPS`.
        status: `good`, `missing`, `wrong`, or `unknown`, when nobody can tell.
        what: What it is, and what of it was found.
        advice: What to do about it; empty when it is good.
    """

    step: str
    status: str
    what: str
    advice: str = ""

    @property
    def lacks(self) -> bool:
        """Tell whether its step can't be done."""
        return self.status in _LACKING


def needed_for(step: str) -> tuple[str, ...]:
    """Return a step with those that come before it."""
    names = tuple(STEPS)
    return names[: names.index(step) + 1]
