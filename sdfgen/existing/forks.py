"""Grammars that no released Microkit has: what they are known by, and how it is written now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.grammar import FORMS, NATURAL, NUMBER, Attribute, Child, Form
from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.read.element import Element

CODE = "SDF206"


class Fork(NamedTuple):
    """A grammar that a file is written in.

    Attributes:
        forms: Its grammar.
        fault: What to say of it; None for that of the releases.
    """

    forms: Mapping[str, Form]
    fault: Fault | None = None


_OLD_IDS = ("id", "vm_id")
_MACHINE = FORMS["virtual_machine"]
_OLD = {
    **FORMS,
    "virtual_machine": _MACHINE._replace(
        attributes={**(_MACHINE.attributes or {}), **{key: Attribute(NATURAL) for key in _OLD_IDS}}
    ),
}
_SYSTEM = FORMS["system"]
_HAMR = {
    **FORMS,
    "system": _SYSTEM._replace(children={**_SYSTEM.children, "domain_schedule": Child()}),
    "domain_schedule": Form({}, {"domain": Child()}),
    "domain": Form({"name": Attribute(required=True), "length": Attribute(NUMBER, required=True)}, strict=False),
}


def fork_of(root: Element) -> Fork:
    """Return the grammar that a file is written in.

    Args:
        root: Its root.
    """
    schedule = next(iter(root.inside("domain_schedule")), None)
    if schedule is not None:
        return Fork(_HAMR, _hamr(schedule))
    machine = next((element for element in root.walk() if _is_old(element)), None)
    return Fork(FORMS) if machine is None else Fork(_OLD, _before_vcpus(machine))


def _is_old(element: Element) -> bool:
    """Tell whether an element is a virtual machine of the time when it had an id instead of a vCPU."""
    return (
        element.tag == "virtual_machine"
        and any(key in element.attributes for key in _OLD_IDS)
        and not element.inside("vcpu")
    )


def _before_vcpus(machine: Element) -> Fault:
    key = next(key for key in _OLD_IDS if key in machine.attributes)
    number = machine.attributes[key]
    message = (
        f"a virtual machine with `{key}` and without <vcpu>: this is the grammar of forks from before Microkit 1.4, "
        "and no release takes it"
    )
    advice = f'leave `{key}` out, and write <vcpu id="{number}" /> into each virtual machine'
    return Fault(CODE, message, machine.at(key).of_key(), advice)


def _hamr(schedule: Element) -> Fault:
    first = next(iter(schedule.inside("domain")), None)
    name = first.attributes.get("name", "NAME") if first else "NAME"
    message = (
        "<domain_schedule> outside of <domains>: this is the grammar of the fork that HAMR generates for, "
        "and no release takes it"
    )
    advice = (
        f'Microkit 2.3.0 has <domains>, before all protection domains, with <domain name="{name}" /> for each domain '
        f'and <domain_schedule> with <schedule_entry domain="{name}" duration="1000 us" /> for each time slice'
    )
    return Fault(CODE, message, schedule.where, advice)
