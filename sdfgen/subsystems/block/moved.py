"""Keys of the first version of descriptions, and how each is written now."""

from __future__ import annotations

_GUEST = ("ram", "kernel", "initrd", "bootargs")
_VMM = ("priority", "budget", "period", "stack_size")
_DISK = ("partition", "data_size", "queue_capacity", "read_only")


def _guest_keys(path: str, whose: str) -> dict[str, str]:
    """Return the keys that a guest of either kind had."""
    found = {f"{path}.{key}": f"`{key}` of the {whose}'s [[guest]]" for key in _GUEST}
    found |= {f"{path}.vm_{key}": f"`{key}` of the {whose}'s [[guest]]" for key in ("priority", "budget", "period")}
    found |= {f"{path}.{key}": f"`vmm.{key}` of the {whose}'s [[guest]]" for key in _VMM}
    found[f"{path}.image"] = f"`vmm.program_image` of the {whose}'s [[guest]]"
    return found


MOVED = {
    "block.driver": "`driver` of [block], which names a [[guest]]",
    "block.driver.name": "`name` of the driver's [[guest]], and `driver` of [block], which names it",
    "block.driver.storage": "`storage` of [block]",
    "block.driver.queue_capacity": "`queue_capacity` of [block]",
    **{f"block.driver.{key}": f"`{key}` of the driver's [[guest]]" for key in ("devices", "interrupts", "dtb")},
    **_guest_keys("block.driver", "driver"),
    "block.client": "`disk` of a [[guest]] or [[protection_domain]]",
    "block.client[].name": "`name` of the client's [[guest]] or [[protection_domain]]",
    "block.client[].kind": "the kind of table: [[guest]] for linux, [[protection_domain]] for native",
    **{f"block.client[].{key}": f"`disk = [{{ {key} = … }}]` of the client" for key in _DISK},
    **_guest_keys("block.client[]", "client"),
    "guest[].kind": "the kind of table: [[guest]] for linux, [[protection_domain]] for native",
    "block.virtualiser.image": "`program_image` of [block.virtualiser]",
    "block.virtualiser.cpu": "`core`",
    "block.domain": "`domain` of each [[guest]], and of [block.virtualiser]",
}
"""Dotted paths; `[]` stands behind an array of named tables. A table is told of only where none of its keys is."""
