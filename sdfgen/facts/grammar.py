"""The grammar of system files, version by version: facts, no behaviour.

Source: the parser of each version (tool/microkit/src/sdf.rs), which asks for what it wants by name. What a rule judges
(ids of nested domains, vCPUs, sizes, ends) is not said here a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER: Final = "number"
"""Hexadecimal with a lower-case 0x, or decimal; `_` anywhere; what a u64 holds."""
DECIMAL: Final = "decimal"
"""Decimal digits only, with a sign; anything else ends the tool without a message."""
NATURAL: Final = "natural"
"""The same, not below 0."""
FLAG: Final = "flag"
TEXT: Final = "text"


class Attribute(NamedTuple):
    """An attribute of an element.

    Attributes:
        kind: What it holds.
        required: The element cannot do without it.
        since: The first version that knows it; empty for all.
        until: The last one; empty for all.
        foreign: It is for x86.
    """

    kind: str = TEXT
    required: bool = False
    since: str = ""
    until: str = ""
    foreign: bool = False


class Child(NamedTuple):
    """An element that may stand in another.

    Attributes:
        since: The first version that knows it there; empty for all.
        once: There is one at most.
        required: There is one at least.
        foreign: It is for x86.
    """

    since: str = ""
    once: bool = False
    required: bool = False
    foreign: bool = False


class Form(NamedTuple):
    """What an element looks like.

    Attributes:
        attributes: Its attributes; None where any are taken and none is looked at.
        children: The elements that may stand in it.
        strict: Others are refused; where not, nobody looks at what stands in it.
        instead: Attributes that may stand instead of a required one.
    """

    attributes: Mapping[str, Attribute] | None
    children: Mapping[str, Child] = {}
    strict: bool = True
    instead: Mapping[str, tuple[str, ...]] = {}


_NAME = Attribute(required=True)
_NUMBER = Attribute(NUMBER)
_FLAG = Attribute(FLAG)
_TEXT = Attribute()
_SCHEDULED = {"name": _NAME, "priority": _NUMBER, "budget": _NUMBER, "period": _NUMBER}
_SETVAR_ID = Attribute(since="2.1.0")
_X86_NUMBER = Attribute(DECIMAL, since="2.1.0", foreign=True)
_X86_TEXT = Attribute(since="2.1.0", foreign=True)
_MAP = {"mr": _NAME, "vaddr": Attribute(NUMBER, required=True), "perms": _TEXT, "cached": _FLAG}
_CAP = Form({"slot": Attribute(NUMBER, required=True), "pd": _NAME}, strict=False)

FORMS: Final = {
    "system": Form(
        None,
        {
            "memory_region": Child(),
            "protection_domain": Child(),
            "channel": Child(),
            "domains": Child(since="2.3.0", once=True),
            "io_address_space": Child(since="2.3.0", foreign=True),
        },
    ),
    "memory_region": Form(
        {
            "name": _NAME,
            "size": _NUMBER,
            "page_size": _NUMBER,
            "phys_addr": _NUMBER,
            "prefill_path": Attribute(since="2.2.0"),
            "prefill_bootinfo": Attribute(since="2.3.0"),
        },
        strict=False,
    ),
    "protection_domain": Form(
        {
            **_SCHEDULED,
            "pp": Attribute(FLAG, until="1.4.1"),
            "passive": _FLAG,
            "stack_size": _NUMBER,
            "smc": Attribute(FLAG, since="2.0.0"),
            "cpu": Attribute(NUMBER, since="2.1.0"),
            "fpu": Attribute(FLAG, since="2.3.0"),
            "domain": Attribute(since="2.3.0"),
            "id": _NUMBER,
            "setvar_id": _SETVAR_ID,
        },
        {
            "program_image": Child(once=True, required=True),
            "map": Child(),
            "irq": Child(),
            "setvar": Child(),
            "protection_domain": Child(),
            "virtual_machine": Child(once=True),
            "ioport": Child(since="2.1.0", foreign=True),
            "iomap": Child(foreign=True),
            "cspace": Child(since="2.3.0", once=True),
        },
    ),
    "program_image": Form({"path": _NAME, "path_for_symbols": Attribute(since="2.2.0")}, strict=False),
    "map": Form(
        {
            **_MAP,
            "setvar_vaddr": _TEXT,
            "setvar_size": Attribute(since="2.0.0"),
            "setvar_prefill_size": Attribute(since="2.2.0"),
        },
        strict=False,
    ),
    "irq": Form(
        {
            "irq": Attribute(NATURAL, required=True),
            "id": Attribute(DECIMAL, required=True),
            "trigger": _TEXT,
            "setvar_id": _SETVAR_ID,
            "ioapic": _X86_NUMBER,
            "pin": _X86_NUMBER,
            "vector": _X86_NUMBER,
            "polarity": _X86_TEXT,
            "pcidev": _X86_TEXT,
            "handle": _X86_NUMBER,
        },
        strict=False,
        instead={"irq": ("pin", "pcidev")},
    ),
    "setvar": Form({"symbol": _NAME, "region_paddr": _NAME}, strict=False),
    "virtual_machine": Form(_SCHEDULED, {"vcpu": Child(), "map": Child()}),
    "vcpu": Form(
        {
            "id": Attribute(NATURAL, required=True),
            "cpu": Attribute(NUMBER, since="2.1.0"),
            "setvar_id": _SETVAR_ID,
        },
        strict=False,
    ),
    "ioport": Form(
        {
            "id": Attribute(DECIMAL, required=True),
            "addr": Attribute(NUMBER, required=True),
            "size": Attribute(DECIMAL, required=True),
            "setvar_id": _TEXT,
            "setvar_addr": _TEXT,
        },
        strict=False,
    ),
    "cspace": Form({}, {f"cap_{kind}": Child() for kind in ("tcb", "sc", "vspace")}),
    "cap_tcb": _CAP,
    "cap_sc": _CAP,
    "cap_vspace": _CAP,
    "channel": Form({}, {"end": Child()}),
    "end": Form(
        {
            "pd": _NAME,
            "id": Attribute(DECIMAL, required=True),
            "pp": Attribute(FLAG, since="2.0.0"),
            "notify": Attribute(FLAG, since="2.0.0"),
            "setvar_id": _SETVAR_ID,
        },
        strict=False,
    ),
    "domains": Form({}, {"domain": Child(), "domain_schedule": Child(once=True, required=True)}),
    "domain": Form({"name": _NAME, "id": _NUMBER}, strict=False),
    "domain_schedule": Form(
        {"start_index": _NUMBER, "index_shift": _NUMBER}, {"schedule_entry": Child(), "schedule_end_marker": Child()}
    ),
    "schedule_entry": Form({"domain": _TEXT, "duration": _TEXT}, strict=False),
    "schedule_end_marker": Form({}, strict=False),
    "io_address_space": Form({"name": _NAME, "peripheral_id": _NAME, "domain_id": _NUMBER}, {"iomap": Child()}),
    "iomap": Form(None, strict=False),
}
"""The form of every element, by its tag."""
