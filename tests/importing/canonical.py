"""What a system file means to Microkit, worked out by another reader of XML than the tool's, and without its code."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

NUMBERS = {
    *("size", "page_size", "phys_addr", "vaddr", "stack_size", "priority", "budget", "period", "cpu", "id", "irq"),
    *("slot", "start_index", "index_shift"),
}
DEFAULTS = {
    ("map", "perms"): "rw",
    ("map", "cached"): "true",
    ("irq", "trigger"): "level",
    ("end", "pp"): "false",
    ("end", "notify"): "true",
    ("domain_schedule", "start_index"): 0,
    **{("protection_domain", name): "false" for name in ("pp", "passive", "smc")},
    **{(tag, "priority"): 0 for tag in ("protection_domain", "virtual_machine")},
}
ORDER = {"domains": lambda child: child[0], "domain_schedule": lambda _: 0}
"""Where order means something, and of what."""


def number(text: str) -> int:
    bare = text.replace("_", "")
    return int(bare, 0) if bare.startswith("0x") else int(bare)


def values(tag: str, attributes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: number(text) if name in NUMBERS else text for name, text in attributes.items()}
    if "prefill_bootinfo" in found:  # takes a page, unless somebody says more
        found.setdefault("size", 0x1000)
    if "perms" in found:
        found["perms"] = "".join(sorted(found["perms"], key="rwx".index))
    if "budget" in found or "period" in found:
        found.setdefault("budget", 1000)
        found.setdefault("period", found["budget"])
    return {name: value for name, value in found.items() if DEFAULTS.get((tag, name)) != value}


def canonical(text: str | bytes) -> Any:  # noqa: ANN401 - a tree
    return of_element(ET.fromstring(text))  # noqa: S314 - ours


def of_element(element: ET.Element) -> Any:  # noqa: ANN401 - a tree
    children = [of_element(child) for child in element if child.tag != "cspace" or len(child)]
    children.sort(key=ORDER.get(element.tag, repr))
    return element.tag, sorted(values(element.tag, dict(element.attrib)).items()), children
