"""XInclude: what an XML file takes from others, out of folders that somebody named and from nowhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.faults.place import MAX_NESTING
from sdfgen.read.element import Element, XmlText
from sdfgen.read.xml import XINCLUDE, decode, parse_xml, read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.faults.fault import Faults

CODE = "SDF203"
_MOST = 1000
"""Includes; more stand in files that multiply each other."""


class Includes:
    """Puts what `xi:include` names in its place.

    Attributes:
        files: What was read.
    """

    def __init__(self, folders: Sequence[str], faults: Faults) -> None:
        self.files: list[str] = []
        self._folders = [os.path.realpath(folder) for folder in folders]
        self._faults = faults
        self._left = _MOST

    def resolve(self, root: Element) -> None:
        """Resolve the includes in an element, and those in what they bring.

        Args:
            root: The element.
        """
        self._resolve(root, (os.path.realpath(root.source.path or ""),))

    def _resolve(self, root: Element, chain: tuple[str, ...]) -> None:
        for element in root.walk():
            if any(_is_include(child) for child in element.children):
                element.children = self._expanded(element.children, chain)

    def _expanded(self, elements: list[Element], chain: tuple[str, ...]) -> list[Element]:
        found: list[Element] = []
        for element in elements:
            if not _is_include(element):
                found.append(element)
                continue
            put = self._expanded(self._put(element, chain), chain)
            for first in put[:1]:
                first.source.comments_at(first.path).before[:0] = element.comments.before
            found += put
        return found

    def _put(self, include: Element, chain: tuple[str, ...]) -> list[Element]:
        """Return what stands for an include: the root of its file, or its fallback where there is no such file."""
        self._left -= 1
        path, wrong = self._path(include, chain)
        if self._left < 0 or len(chain) > MAX_NESTING:
            wrong = f"there are more than {_MOST} includes, or more than {MAX_NESTING} in each other"
        content = None if wrong else _content(path)
        if isinstance(content, bytes):
            return self._parsed(include, path, content, chain)
        fallback = next((child for child in include.children if child.tag == "fallback"), None)
        if fallback is not None and not wrong:
            return fallback.children
        self._faults.add(Fault(CODE, f"include is not resolved: {wrong or content}", include.at("href"), _ADVICE))
        return []

    def _path(self, include: Element, chain: tuple[str, ...]) -> tuple[str, str]:
        """Return the file of an include, and why it is not to be read."""
        href = include.attributes.get("href", "")
        path = os.path.join(os.path.dirname(include.source.path or ""), href)
        if not href or "\0" in href or "xpointer" in include.attributes:
            return path, "only whole files are included, by `href`"
        if include.attributes.get("parse", "xml") != "xml":
            return path, "text is not included into system files"
        real = os.path.realpath(path)
        if not any(os.path.commonpath([real, folder]) == folder for folder in self._folders):
            return path, f"{href!r} is outside of the folders that may be read"
        return path, f"{href!r} includes itself" if real in chain else ""

    def _parsed(self, include: Element, path: str, content: bytes, chain: tuple[str, ...]) -> list[Element]:
        name = os.path.normpath(path)
        try:
            text = decode(content)
        except ValueError as error:
            self._faults.add(Fault(CODE, f"include is not resolved: {name!r}: {error}", include.at("href"), _ADVICE))
            return []
        self.files.append(path)
        root = parse_xml(XmlText(name, text, path), self._faults)
        if root is None:
            return []
        longer = (*chain, os.path.realpath(path))
        if _is_include(root):
            return self._expanded([root], longer)
        self._resolve(root, longer)
        return [root]


_ADVICE = "files beside the system file are read, and those in folders named by --include"


def _is_include(element: Element) -> bool:
    return element.namespace == XINCLUDE and element.tag == "include"


def _content(path: str) -> bytes | str:
    """Return a file's content, or why there is none."""
    try:
        return read_bytes(path) if os.path.isfile(path) else f"there is no file {os.path.normpath(path)!r}"
    except OSError as error:
        return f"{os.path.normpath(path)!r}: {error.strerror or error}"
