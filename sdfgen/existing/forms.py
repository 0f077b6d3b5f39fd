"""Holds the elements of a system file against the grammar: of all versions at once, and what each use needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.existing.values import READERS
from sdfgen.facts.grammar import FORMS, Attribute, Child, Form
from sdfgen.faults.fault import Fault, suggestion
from sdfgen.faults.source import Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.faults.fault import Faults
    from sdfgen.read.element import Element


class Use(NamedTuple):
    """Something that not every version knows, or that is for x86.

    Attributes:
        element: The element.
        attribute: Its attribute; empty for the element itself.
        since: The first version that knows it; empty for all.
        until: The last one; empty for all.
        foreign: It is for x86.
    """

    element: Element
    attribute: str
    since: str
    until: str
    foreign: bool

    @property
    def where(self) -> Where:
        """The place of it, of an attribute its name."""
        return self.element.at(self.attribute).of_key() if self.attribute else self.element.where

    @property
    def what(self) -> str:
        """It, in words."""
        tag = f"<{self.element.tag}>"
        return f"`{self.attribute}` of {tag}" if self.attribute else tag


def read(root: Element, faults: Faults, forms: Mapping[str, Form] = FORMS) -> list[Use]:
    """Read the values of all attributes that the grammar knows; return what is not of every version.

    Args:
        root: The root, a `<system>`.
        faults: Takes what no version knows, and values that are none.
        forms: The grammar.
    """
    reader = _Reader(faults, forms)
    waiting = [root]
    while waiting:
        element = waiting.pop()
        waiting.extend(reversed(reader.element(element)))
    return reader.uses


class _Reader:
    def __init__(self, faults: Faults, forms: Mapping[str, Form]) -> None:
        self.uses: list[Use] = []
        self._faults = faults
        self._forms = forms

    def element(self, element: Element) -> list[Element]:
        """Read an element; return what stands in it and has a form of its own."""
        form = self._forms[element.tag]
        self._text(element)
        if form.attributes is not None:
            self._attributes(element, form)
        known = [child for child in element.children if child.tag in form.children]
        for child in element.children if len(known) < len(element.children) else ():
            if child.tag not in form.children and not self._faults.full("SDF004"):
                self._faults.add(_unknown_element(element, child, form))
        for tag, wanted in form.children.items():
            self._child(element, tag, wanted)
        return known

    def _text(self, element: Element) -> None:
        if element.text is None:
            return
        span, words = element.text
        refused = not element.path
        message = f"text {words!r} stands in <{element.tag}>, which Microkit {'refuses' if refused else 'does not see'}"
        severity = "error" if refused else "note"
        advice = "put it into a comment, or leave it out"
        self._faults.add(Fault("SDF204", message, Where(element.source, element.path), advice, (), severity, span))

    def _attributes(self, element: Element, form: Form) -> None:
        known = form.attributes or {}
        for name, text in element.attributes.items():
            if name in known:
                self._attribute(element, name, text, known[name])
            elif not self._faults.full("SDF004"):
                self._faults.add(_unknown_attribute(element, name, known))
        for name, wanted in known.items():
            if wanted.required and name not in element.attributes and not self._instead(element, name, form):
                message = f"<{element.tag}> has no `{name}`"
                self._faults.add(Fault("SDF005", message, element.where.of_key(), f"add `{name}`"))

    def _instead(self, element: Element, name: str, form: Form) -> bool:
        return any(other in element.attributes for other in form.instead.get(name, ()))

    def _attribute(self, element: Element, name: str, text: str, wanted: Attribute) -> None:
        if wanted.since or wanted.until or wanted.foreign:
            self.uses.append(Use(element, name, wanted.since, wanted.until, wanted.foreign))
        if wanted.kind not in READERS:
            element.values[name] = text
            return
        reader, says = READERS[wanted.kind]
        value = reader(text)
        if value is None:
            shown = text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - what fits a line
            self._faults.add(Fault("SDF003", f"`{name}` is {shown!r}, which is not {says}", element.at(name)))
        else:
            element.values[name] = value

    def _child(self, element: Element, tag: str, wanted: Child) -> None:
        if not (wanted.once or wanted.required or wanted.since or wanted.foreign):
            return
        found = element.inside(tag)
        if wanted.since or wanted.foreign:
            self.uses += [Use(child, "", wanted.since, "", wanted.foreign) for child in found]
        if wanted.required and not found:
            message = f"<{element.tag}>{_named(element)} has no <{tag}>"
            self._faults.add(Fault("SDF005", message, element.where.of_key(), f"add <{tag}>"))
        for second in found[1:] if wanted.once else ():
            notes = ((found[0].where, "the first one is here"),)
            message = f"a second <{tag}> in <{element.tag}>{_named(element)}"
            self._faults.add(Fault("SDF205", message, second.where, "leave one of them out", notes))


def _named(element: Element) -> str:
    name = element.attributes.get("name")
    return f" `{name}`" if name else ""


def _unknown_attribute(element: Element, name: str, known: Mapping[str, Attribute]) -> Fault:
    message = f"unknown attribute `{name}` of <{element.tag}>{suggestion(name, known)}"
    names = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
    return Fault("SDF004", message, element.at(name).of_key(), f"known here: {names}")


def _unknown_element(element: Element, child: Element, form: Form) -> Fault:
    if not form.strict:
        message = f"<{child.tag}> stands in <{element.tag}>, which Microkit does not look into"
        return Fault("SDF004", message, child.where, "leave it out", (), "note")
    homes = [tag for tag, other in FORMS.items() if child.tag in other.children]
    message = f"unknown element <{child.tag}> in <{element.tag}>{suggestion(child.tag, form.children)}"
    names = ", ".join(f"<{tag}>" for tag in sorted(form.children)) or "none"
    if homes:
        message = f"<{child.tag}> stands in <{element.tag}> instead of {_either(homes)}"
    return Fault("SDF004", message, child.where, f"known here: {names}")


def _either(tags: list[str]) -> str:
    return " or ".join(f"<{tag}>" for tag in tags)
