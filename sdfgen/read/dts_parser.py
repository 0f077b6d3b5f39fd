"""The parser of device tree source: nodes, properties and values out of tokens."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.faults.place import MAX_NESTING, Span
from sdfgen.faults.source import Text, Where
from sdfgen.read.conditions import number
from sdfgen.read.overlays import node_of
from sdfgen.read.tree import Cell, Node, Property
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.place import Path
    from sdfgen.read.conditions import Macros

CODE = "SDF210"
_CELL_BITS = 32


class TreeText(Text):
    """The text of a device tree: a place in it is how many letters are before it, and how many it has."""

    def span(self, path: Path, *, key: bool = False) -> Span:  # noqa: ARG002 - as all sources are asked
        """Return the place."""
        at, width = (int(step) for step in (*path, 0, 1)[:2])
        before = bisect_left(self._ends, at)
        return Span(before + 1, at - (self._ends[before - 1] if before else -1), max(1, width))

    @cached_property
    def _ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]


class Token(NamedTuple):
    """A word of the text: what kind of one, and where it is."""

    kind: str
    text: str
    source: TreeText
    at: int

    @property
    def where(self) -> Where:
        """Its place."""
        return Where(self.source, (self.at, len(self.text)))

    @property
    def behind(self) -> Where:
        """The place of a letter right behind it."""
        return Where(self.source, (self.at + len(self.text), 1))


class WrongError(Exception):
    """Something is not as source of device trees has it."""

    def __init__(self, message: str, where: Where, advice: str = "") -> None:
        super().__init__(message)
        self.fault = Fault(CODE, message, where, advice or "see that `dtc -I dts FILE` takes it")


_NAME = re.compile(r"[A-Za-z_]\w*")
_PIECES = re.compile(r"[-+*]|[^-+*]+")
"""Of what is one name elsewhere, and a sum or a product in parentheses."""


class Parser:
    """Adds what a file says to a tree."""

    def __init__(
        self,
        tokens: list[Token],
        root: Node,
        labels: dict[str, Node],
        unresolved: list[tuple[str, Where]],
        macros: Macros,
    ) -> None:
        self._tokens = tokens
        self._at = 0
        self._root = root
        self._labels = labels
        self._unresolved = unresolved
        self._macros = macros

    def file(self) -> None:
        """Read a whole file."""
        while self._at < len(self._tokens):
            labels = self._take_labels()
            token = self._next()
            if token.text in ("/dts-v1/", "/plugin/"):
                self._expect(";")
            elif token.text == "/memreserve/":
                self._skip_to(";")
            elif token.text == "/delete-node/":
                self._delete(self._next())
            elif token.text == "/":
                self._body(self._root, token, labels, 0)
            elif token.kind == "ref":
                self._body(self._referred(token), token, labels, 0)
            else:
                raise WrongError(f"{token.text!r} stands where a node is expected", token.where)

    def _delete(self, token: Token) -> None:
        if token.kind == "ref" and (node := self._labels.get(token.text[1:])) is not None and node.parent is not None:
            node.parent.children.pop(node.name, None)
        self._expect(";")

    def _referred(self, token: Token) -> Node:
        found = node_of(token.text, self._root, self._labels)
        if found is None:
            self._unresolved.append((token.text, token.where))
            return Node("", None)
        return found

    def _body(self, node: Node, token: Token, labels: list[str], depth: int) -> None:
        if depth > MAX_NESTING:
            raise WrongError("nodes nest too deeply", token.where)
        node.where = node.where or token.where
        for label in labels:
            self._labels[label] = node
        self._expect("{")
        while not self._is("}"):
            self._entry(node, depth)
        self._next()
        self._expect(";")

    def _entry(self, node: Node, depth: int) -> None:
        labels = self._take_labels()
        token = self._next()
        if token.text in ("/delete-node/", "/delete-property/"):
            name = self._next().text
            (node.children if token.text == "/delete-node/" else node.properties).pop(name, None)
            self._expect(";")
        elif token.text == "/omit-if-no-ref/":
            return
        elif token.kind != "name":
            raise WrongError(f"{token.text!r} stands where a node or a property is expected", token.where)
        elif self._is("{"):
            child = node.children.setdefault(token.text, Node(token.text, node))
            self._body(child, token, labels, depth + 1)
        elif self._is(";"):
            self._next()
            node.properties[token.text] = Property(token.text, token.where)
        else:
            self._expect("=")
            node.properties[token.text] = self._values(token)

    def _values(self, name: Token) -> Property:
        cells: list[Cell] = []
        strings: list[str] = []
        bits = 32
        while True:
            self._take_labels()
            token = self._next()
            if token.kind == "string":
                strings += _unescaped(token.text).removesuffix("\0").split("\0")
            elif token.text == "/bits/":
                bits = int(self._next().text, 0)
                continue
            elif token.text == "<":
                cells += self._cells(bits)
            elif token.text == "[":
                self._skip_to("]")
            elif token.text == "/incbin/":
                self._skip_to(")")
            elif token.kind != "ref":
                raise WrongError(f"{token.text!r} is no value of `{name.text}`", token.where)
            self._take_labels()
            token = self._next()
            if token.text == ";":
                return Property(name.text, name.where, tuple(cells), tuple(strings))
            if token.text != ",":
                raise WrongError(f"{token.text!r} stands where `;` is expected", token.where)

    def _cells(self, bits: int) -> list[Cell]:
        found: list[Cell] = []
        while not self._is(">"):
            self._take_labels()
            token = self._next()
            if bits <= _CELL_BITS and (plain := number(token.text)) is not None:
                found.append(Cell(plain, token.where))
            elif token.kind == "ref":
                found.append(Cell(None, token.where, token.text))
            elif token.text == "(":
                found.append(Cell(self._expression(), token.where))
            else:
                found += self._numbers(token, bits)
        self._next()
        return found

    def _numbers(self, token: Token, bits: int) -> Iterator[Cell]:
        """Yield what a word is: a number, or a macro for one or several."""
        is_name = _NAME.fullmatch(token.text) is not None
        if is_name and self._is("(") and self._tokens[self._at].where == token.behind:
            self._next()
            self._expression()
            yield Cell(None, token.where)  # a macro that takes arguments
            return
        is_one = not is_name or self._macros.value(token.text) is not None
        words = [] if is_one else self._macros.words(token.text)
        for word in words if len(words) > 1 else [token.text]:
            value = self._number(token._replace(text=word))
            if bits == 64 and value is not None:  # noqa: PLR2004 - bits of two cells
                yield Cell(value >> 32, token.where)
                value &= 0xFFFF_FFFF
            yield Cell(value, token.where)

    def _number(self, token: Token) -> int | None:
        text = token.text
        if token.kind == "char":
            return ord(_unescaped(text)[0])
        if self._macros.is_defined(text):
            return self._macros.value(text)
        found = number(text)
        if found is None and not (token.kind == "name" and _NAME.fullmatch(text)):
            raise WrongError(f"{text!r} is no number", token.where)
        return found

    def _expression(self) -> int | None:
        """Return what a sum, product or shift in parentheses comes to; None where it is more than that."""
        words: list[str] = []
        depth = 1
        while True:
            token = self._next()
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0:
                return _computed(words)
            pieces = _PIECES.findall(token.text) if token.kind == "name" else [token.text]
            for piece in pieces:
                is_sign = token.kind not in ("name", "char") or piece in "+-*"
                words.append(piece if is_sign else str(self._number(token._replace(text=piece))))

    def _take_labels(self) -> list[str]:
        found = []
        while (
            self._at + 1 < len(self._tokens)
            and self._tokens[self._at].kind == "name"
            and self._tokens[self._at + 1].text == ":"
        ):
            found.append(self._tokens[self._at].text)
            self._at += 2
        return found

    def _is(self, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].text == text

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            last = self._tokens[-1] if self._tokens else None
            raise WrongError("the text ends too early", last.where if last else Where(TreeText("", "")))
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            raise WrongError(f"{token.text!r} stands where `{text}` is expected", token.where)

    def _skip_to(self, text: str) -> None:
        while self._next().text != text:
            pass


def _unescaped(text: str) -> str:
    escapes = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
    return re.sub(r"\\(x[0-9A-Fa-f]{1,2}|.)", lambda match: escapes.get(match[1], match[1][-1]), text[1:-1])


def _computed(words: list[str]) -> int | None:
    """Return what an expression of numbers, `+ - * | << ( )` comes to."""
    if not all(re.fullmatch(r"\d{1,20}|[-+*|()]|<<|>>", word) for word in words) or len(words) > 50:  # noqa: PLR2004 - what people write
        return None
    shifts = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "<<"]
    if any(not shift.isdecimal() or int(shift) > 64 for shift in shifts) or words.count("*") > 4:  # noqa: PLR2004 - what a cell holds
        return None
    if "**" in "".join(words):
        return None
    try:
        value = eval("".join(words), {"__builtins__": {}})  # noqa: S307 - of digits and these signs
    except (SyntaxError, TypeError, ValueError):
        return None
    return int(value) & 0xFFFF_FFFF_FFFF_FFFF
