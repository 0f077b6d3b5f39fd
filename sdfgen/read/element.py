"""Elements of an XML text, of which every one, and every attribute, knows its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.faults.place import Span
from sdfgen.faults.source import Source, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sdfgen.faults.place import Path

SEPARATOR = " "
"""Between a namespace and a name."""
_TAG = r"<\s*([^\s/>]+)"
_ATTRIBUTE = r"""\s+(?:[^\s=:/>"']+:)?([^\s=:/>"']+)\s*=\s*(?:"([^"]*)"|'([^']*)')"""
"""Compiled when a place is asked for: few starts of the program do that."""


class Comments(NamedTuple):
    """The comments around an element, in the order of the text.

    Attributes:
        before: Those before it.
        beside: Those behind it, on the line where it ends.
        end: Those in it, behind all elements in it.
    """

    before: list[str]
    beside: list[str]
    end: list[str]


class XmlText(Source):
    """An XML text. The path of a place leads from the root to an element or its attribute: `("map", 0, "vaddr")`.

    Attributes:
        starts: Line and column where each element starts.
        comments: The comments around elements that have some.
    """

    def __init__(self, name: str, text: str, path: str | None = None) -> None:
        super().__init__(name, text, path)
        self.starts: dict[Path, tuple[int, int]] = {}
        self.comments: dict[Path, Comments] = {}
        self._line_offsets: list[int] = []

    def comments_at(self, path: Path) -> Comments:
        """Return the comments around an element, to be added to."""
        return self.comments.setdefault(path, Comments([], [], []))

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the place of an attribute's value (or its name), or of the element when it has no such attribute."""
        for length in range(len(path), -1, -1):
            start = self.starts.get(path[:length])
            if start is not None:
                attribute = path[length] if length < len(path) else None
                return self._span(self._offset(*start), attribute, key=key)
        return Span(1, 1, 1)

    def _span(self, offset: int, attribute: str | int | None, *, key: bool) -> Span:
        tag, pattern = re.compile(_TAG).match(self.text, offset), re.compile(_ATTRIBUTE)
        if tag is None:
            return self._place(offset, offset + 1)
        match = pattern.match(self.text, tag.end())
        while match is not None and attribute is not None:
            if match[1] == attribute:
                group = 1 if key else 2 if match[2] is not None else 3
                return self._place(match.start(group), match.end(group))
            match = pattern.match(self.text, match.end())
        return self._place(tag.start(1), tag.end(1))

    def _place(self, start: int, end: int) -> Span:
        from bisect import bisect_right

        line = bisect_right(self._offsets(), start)
        first = self._offsets()[line - 1]
        end_of_line = self.text.find("\n", start)
        last = end if end_of_line < 0 else min(end, end_of_line)
        return Span(line, start - first + 1, max(1, last - start))

    def _offset(self, line: int, column: int) -> int:
        return self._offsets()[line - 1] + column

    def _offsets(self) -> list[int]:
        """Return where each line starts."""
        if not self._line_offsets:
            self._line_offsets = [0, *(match.end() for match in re.finditer("\n", self.text))]
        return self._line_offsets


class Element:
    """An element; as an origin, the place of a property is that of the attribute which says it.

    Attributes:
        tag: Its name without a prefix.
        namespace: The namespace of it; empty for none.
        attributes: Values by name without prefix, as they are written.
        children: The elements in it.
        source: The text that it stands in.
        path: Its place there.
        text: Place and beginning of the first text in it that is not blank.
        values: What the attributes say, by name, once somebody has read them.
        elsewhere: Properties that an element in this one says: which, and by what attribute.
    """

    __slots__ = ("attributes", "children", "elsewhere", "namespace", "path", "source", "tag", "text", "values")

    def __init__(self, name: str, attributes: dict[str, str], source: XmlText, path: Path) -> None:
        self.namespace, _, self.tag = name.rpartition(SEPARATOR)
        self.attributes = {key.rpartition(SEPARATOR)[2]: value for key, value in attributes.items()}
        self.source = source
        self.path = path
        self.children: list[Element] = []
        self.text: tuple[Span, str] | None = None
        self.values: dict[str, Any] = {}
        self.elsewhere: dict[str, tuple[Element, str]] = {}

    @property
    def where(self) -> Where:
        """The place of its tag."""
        return Where(self.source, self.path)

    def at(self, name: str) -> Where:
        """Return the place of a property, or of the element when nothing in it says that."""
        if name in self.attributes:
            return Where(self.source, (*self.path, name))
        if name in self.elsewhere:
            element, attribute = self.elsewhere[name]
            return element.at(attribute)
        return self.where

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this property."""
        if name in self.elsewhere:
            element, attribute = self.elsewhere[name]
            return element.given(attribute)
        return name in self.attributes

    @property
    def comments(self) -> Comments:
        """The comments around it."""
        return self.source.comments.get(self.path) or Comments([], [], [])

    def inside(self, tag: str) -> list[Element]:
        """Return the elements in it of one kind."""
        return [child for child in self.children if child.tag == tag]

    def walk(self) -> Iterator[Element]:
        """Yield it and every element in it, in the order of the text."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))
