"""What C is told of a device that a VMM emulates."""

from __future__ import annotations

from sdfgen.records import NamedTuple


class DeviceConfig(NamedTuple):
    """What C is told of an emulated device.

    Attributes:
        before: C text that stands before the table: variables that the configuration refers to.
        members: The configuration's members; None for a kind that has none.
    """

    before: str
    members: dict[str, object] | None
