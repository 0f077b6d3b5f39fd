"""The text of a system file: read, told from what has yet to become one, and parsed with what it includes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault, Faults
from sdfgen.faults.place import Span
from sdfgen.faults.source import Source, Where
from sdfgen.read.element import XmlText
from sdfgen.read.files import look_around
from sdfgen.read.xinclude import Includes
from sdfgen.read.xml import XINCLUDE, decode, parse_xml, read_bytes, shown_name
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.read.element import Element


class Read(NamedTuple):
    """A system file's elements, and all files that they come from."""

    root: Element
    files: tuple[str, ...]


def read_text(path: str, folders: Sequence[str], faults: Faults) -> Read | None:
    """Read a system file with what it includes; None, with faults, when there is none.

    Args:
        path: The file, `-` for standard input.
        folders: Where included files may lie, beside the folder that the file is in.
        faults: Takes what is wrong with the text.
    """
    source = _source(path, faults)
    if source is None:
        return None
    own = Faults()
    root = parse_xml(source, own)
    unborn = next(_unborn(source), None) if root is None or (_MARKS.search(source.text) and _has_marks(root)) else None
    if unborn is not None or root is None:
        faults.extend([unborn] if unborn is not None else own)
        return None
    if root.tag != "system":
        message = f"the root is <{root.tag}> instead of <system>"
        faults.add(Fault("SDF004", message, root.where, "Microkit looks for <system>, and ends without a message"))
        return None
    includes = Includes([os.path.dirname(source.path or "") or ".", *folders], own)
    includes.resolve(root)
    own.extend(_unresolved(source, root, own))
    faults.extend(own)
    return None if own.errors else Read(root, (path, *includes.files))


def _unresolved(source: XmlText, root: Element, faults: Faults) -> Iterator[Fault]:
    """Yield the note that the tool resolves no includes."""
    if XINCLUDE in source.text and any(element.source is not source for element in root.walk()) and not faults.errors:
        message = "<include> is resolved here; the Microkit tool knows none, and refuses it"
        yield Fault("SDF203", message, root.where, "give the tool what `xmllint --xinclude` makes of it", (), "note")


def _source(path: str, faults: Faults) -> XmlText | None:
    name = shown_name(path)
    nowhere = Where(Source(name, ""))
    try:
        content = read_bytes(path)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or error
        near, advice = look_around(path, "a system file, or of a description, NAME.toml", (".system", ".xml", ".toml"))
        faults.add(Fault("SDF001", f"{name!r} cannot be read: {what}{near}", nowhere, advice))
        return None
    try:
        text = decode(content)
    except ValueError as error:
        faults.add(Fault("SDF001", f"{name!r} cannot be decoded: {error}", nowhere, "save the file as UTF-8"))
        return None
    source = XmlText(name, text, None if path == "-" else path)
    try:
        content.decode()
    except UnicodeDecodeError:
        faults.add(Fault("SDF001", "Microkit reads UTF-8 only, and this is not", Where(source), "save it as UTF-8"))
    return source


_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_KINDS = (
    (
        "the C preprocessor's",
        re.compile(r"^[ \t]*#[ \t]*(?:include|define|undef|if|ifdef|ifndef|else|elif|endif)\b.*", re.MULTILINE),
        "cpp -P FILE | sdfgen check -",
    ),
    ("jinja2's", re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}"), "render it, and give the result to `sdfgen check -`"),
    (
        "a template's",
        re.compile(r"""(?<==["'])(?:@[A-Za-z_]\w*@|\$\{\w+\}|\$\(\w+\)|%[A-Za-z_]\w*%|<[A-Z_]+>)(?=["'])"""),
        "fill it in, as with sed, and give the result to `sdfgen check -`",
    ),
)
_MARKS = re.compile(r"\{\{|\{%|@\w+@|\$\{|\$\(|%\w+%|#\s*(?:include|define|if|else|endif)")


def _has_marks(root: Element) -> bool:
    """Tell whether well-formed XML may be a template all the same."""
    return any(
        _MARKS.search(text)
        for element in root.walk()
        for text in (*element.attributes.values(), *([element.text[1]] if element.text else []))
    )


def _unborn(source: XmlText) -> Iterator[Fault]:
    """Yield what says that a text has to be made into XML first."""
    bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source.text)
    for what, pattern, advice in _KINDS:
        match = pattern.search(bare)
        if match is not None:
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            words = match[0].strip()
            shown = words if len(words) <= 40 else f"{words[:37]}..."  # noqa: PLR2004 - what fits a line
            line = bare.count("\n", 0, start) + 1
            span = Span(line, start - bare.rfind("\n", 0, start), len(words.split("\n")[0]))
            message = f"not XML yet: {shown!r} is {what}, which has to be run first"
            yield Fault("SDF201", message, Where(source), advice, span=span)
