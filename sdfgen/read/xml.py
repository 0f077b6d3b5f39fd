"""XML: bytes to text, and text to elements. Nothing else is read, whatever the text asks for."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from sdfgen.faults.fault import Fault
from sdfgen.faults.place import MAX_NESTING, Span
from sdfgen.faults.source import Where
from sdfgen.read.element import SEPARATOR, Element

if TYPE_CHECKING:
    from sdfgen.faults.fault import Faults
    from sdfgen.faults.place import Path
    from sdfgen.read.element import XmlText

XINCLUDE = "http://www.w3.org/2001/XInclude"


class _RefusedError(Exception):
    """The text is XML, and not to be read: what is wrong, where, and what to do."""

    def __init__(self, code: str, message: str, advice: str) -> None:
        super().__init__(message)
        self.code, self.message, self.advice = code, message, advice


def parse_xml(source: XmlText, faults: Faults) -> Element | None:
    """Parse XML; None, with a fault, when it is none or declares entities. Nothing but the text is read.

    Args:
        source: The text.
        faults: Takes what is wrong with it.
    """
    builder = _Builder(source)
    try:
        builder.parser.Parse(source.text.encode(), True)
    except _RefusedError as error:
        faults.add(Fault(error.code, error.message, Where(source), error.advice, span=builder.place()))
    except expat.ExpatError as error:
        span = _inside(source, error.lineno, error.offset)
        message = f"not well-formed XML: {expat.ErrorString(error.code)}"
        faults.add(Fault("SDF200", message, Where(source), "see https://www.w3.org/TR/xml/", span=span))
    else:
        builder.end()
        return builder.root
    return None


def _inside(source: XmlText, line: int, column: int) -> Span:
    """Return a place that is in the text: expat may stand behind its end."""
    return Span(line, min(column, len(source.line(line))) + 1, 1)


_OUT = "write out what entities stand for"


class _Builder:
    """Makes elements of what expat tells."""

    def __init__(self, source: XmlText) -> None:
        self.root: Element | None = None
        self._source = source
        self._open: list[Element] = []
        self._counts: list[dict[str, int]] = []
        self._comments: list[str] = []
        self._ended: tuple[Path, int] | None = None
        self.parser = expat.ParserCreate("utf-8", SEPARATOR)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.CommentHandler = self._comment
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.SkippedEntityHandler = self._skipped

    def place(self) -> Span:
        """Return where the parser is."""
        return _inside(self._source, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > MAX_NESTING:
            raise _RefusedError("SDF200", "elements nest too deeply", f"{MAX_NESTING} levels is the limit")
        element = Element(name, attributes, self._source, self._path(name.rpartition(SEPARATOR)[2]))
        self._source.starts[element.path] = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber
        if self._comments:
            self._source.comments_at(element.path).before.extend(self._comments)
            self._comments = []
        self._ended = None
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._counts.append({})

    def _path(self, tag: str) -> Path:
        if not self._open:
            return ()
        number = self._counts[-1].get(tag, 0)
        self._counts[-1][tag] = number + 1
        return (*self._open[-1].path, tag, number)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        self._counts.pop()
        self._end_comments(element.path)
        self._ended = element.path, self.parser.CurrentLineNumber

    def _end_comments(self, path: Path) -> None:
        """Let comments that no element follows stand at the end of the one around them."""
        if self._comments:
            self._source.comments_at(path).end.extend(self._comments)
            self._comments = []

    def end(self) -> None:
        """Take the end of the text."""
        self._end_comments(())

    def _comment(self, text: str) -> None:
        """Keep a comment for the element that it is of: the one before it on its line, or the next."""
        if self._ended is not None and self._ended[1] == self.parser.CurrentLineNumber and not self._comments:
            self._source.comments_at(self._ended[0]).beside.append(text)
        else:
            self._comments.append(text)

    def _text(self, text: str) -> None:
        if self._open and self._open[-1].text is None and not text.isspace():
            span = self.place()
            blank = len(text) - len(text.lstrip())
            self._open[-1].text = span._replace(column=span.column + blank), text.strip()[:40]

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            message = "a document type with declarations is not read, and Microkit refuses it"
            raise _RefusedError(
                "SDF202", message, "write out what its entities stand for, and leave the declarations out"
            )

    def _skipped(self, name: str, _: bool) -> None:
        raise _RefusedError(
            "SDF202", f"entity `{name}` is declared nowhere that is read", "write out what it stands for"
        )


_DECLARED = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,39})["']""")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_UNMARKED = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
_ENCODING = re.compile(r"utf-(8|16(-[lb]e)?)|ascii|iso8859-\d+|cp125\d|koi8-[ru]")


def decode(content: bytes) -> str:
    """Return the text of an XML file as its byte order mark or its declaration says; lines end as XML has them.

    Args:
        content: The file.

    Raises:
        ValueError: When it cannot be decoded; the message says why.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", ""))
    content = content[len(mark) :]
    encoding = encoding or next((name for start, name in _UNMARKED if content.startswith(start)), "")
    text = content.decode(encoding or _declared(content))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _declared(content: bytes) -> str:
    import codecs

    match = _DECLARED.match(content)
    if match is None:
        return "utf-8"
    name = match[1].decode()
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = ""
    if not _ENCODING.fullmatch(known):
        raise ValueError(f"its encoding {name!r} is not known")
    return "utf-8" if known.startswith("utf-16") else known


MOST_BYTES = 64 << 20
"""No system file is longer; what is may be a device that never ends."""


def read_bytes(path: str) -> bytes:
    """Read a file that a person named, `-` for standard input.

    Args:
        path: The file.

    Raises:
        OSError: When it cannot be read, or is too long.
    """
    import sys

    if path == "-":
        if sys.stdin is None:
            raise OSError("it is closed")
        content = sys.stdin.buffer.read(MOST_BYTES + 1)
    else:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(f"it has more than {MOST_BYTES >> 20} MiB")
    return content


def shown_name(path: str) -> str:
    """Return what to call a file in messages."""
    return "standard input" if path == "-" else os.path.normpath(path)
