"""Device trees as people write them: source with includes, labels and later parts over earlier ones."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sdfgen.faults.place import MAX_NESTING
from sdfgen.faults.source import Where
from sdfgen.read.dts_parser import Parser, Token, TreeText, WrongError
from sdfgen.read.tree import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.faults.fault import Faults


_TOKENS = re.compile(
    r"""
      (?P<blank>\s+|/\*.*?\*/|//[^\n]*)
    | (?P<directive>^[ \t]*\#[ \t]*(?:include|define|undef|ifdef|ifndef|if|else|elif|endif|\d+)\b(?!-)[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<char>'(?:[^'\\\n]|\\.)+')
    | (?P<keyword>/[a-z][a-z0-9-]*/)
    | (?P<ref>&\{[^}\n]*\}|&[A-Za-z_]\w*)
    | (?P<name>[A-Za-z0-9,._+*\#?@-]+)
    | (?P<mark><<|>>|&&|\|\||[<>=!]=|[{}\[\]();:=<>,/|&^~!%])
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_INCLUDE = re.compile(r'#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
_DEFINE = re.compile(r"#\s*define\s+(\w+)\s+\(?\s*(0[xX][0-9A-Fa-f]+|\d+)[uUlL]*\s*\)?\s*(?:/[*/].*)?$")
_HARMLESS = re.compile(r"#\s*(?:\d+|define|undef)\b")
_MOST_FILES = 200


class Trees:
    """Reads parts of one tree, in order: later ones add to earlier ones and override them.

    Attributes:
        root: The tree.
        files: What was read.
        unresolved: References to labels that no part has.
    """

    def __init__(self, folders: Sequence[str], faults: Faults) -> None:
        self.root = Node("", None)
        self.files: list[str] = []
        self.unresolved: list[tuple[str, Where]] = []
        self._folders = folders
        self._roots = [os.path.realpath(folder) for folder in folders]
        self._faults = faults
        self._labels: dict[str, Node] = {}
        self._constants: dict[str, int] = {}

    def add(self, path: str, text: str) -> None:
        """Read a part.

        Args:
            path: Its file.
            text: What it holds.
        """
        self.files.append(path)
        self._roots.append(os.path.realpath(os.path.dirname(path) or "."))
        try:
            tokens = self._tokens(TreeText(os.path.normpath(path), text, path), ())
            Parser(tokens, self.root, self._labels, self.unresolved, self._constants).file()
        except WrongError as error:
            self._faults.add(error.fault)

    def _tokens(self, source: TreeText, chain: tuple[str, ...]) -> list[Token]:
        """Return the tokens of a file, those of what it includes among them."""
        found: list[Token] = []
        line, start, at = 1, 0, 0
        text = source.text
        while at < len(text):
            match = _TOKENS.match(text, at)
            place = Where(source, (line, at - start + 1, 1))
            if match is None:
                raise WrongError(f"{text[at]!r} has no meaning here", place)
            kind = str(match.lastgroup)
            if kind == "directive":
                found += self._directive(match[0].strip(), source, place, chain)
            elif kind != "blank":
                found.append(Token(kind, match[0], source, line, at - start + 1))
            if "\n" in match[0]:
                line += match[0].count("\n")
                start = match.start() + match[0].rindex("\n") + 1
            at = match.end()
        return self._included(found, chain)

    def _included(self, tokens: list[Token], chain: tuple[str, ...]) -> list[Token]:
        """Put files in that `/include/` names."""
        found: list[Token] = []
        waiting = iter(tokens)
        for token in waiting:
            if token.text == "/include/":
                name = next(waiting, token)
                found += self._file(name.text.strip('"'), token.source, name.where, chain)
            else:
                found.append(token)
        return found

    def _directive(self, text: str, source: TreeText, where: Where, chain: tuple[str, ...]) -> list[Token]:
        include, define = _INCLUDE.match(text), _DEFINE.match(text)
        if define:
            self._constants[define[1]] = int(define[2], 0 if define[2][:2].lower() == "0x" else 10)
        if include:
            return self._file(include[1] or include[2], source, where, chain)
        if not _HARMLESS.match(text):
            message = f"{text.split(maxsplit=1)[0]!r} is the C preprocessor's, which has to be run first"
            raise WrongError(message, where, "cpp -nostdinc -undef -x assembler-with-cpp FILE")
        return []

    def _file(self, name: str, source: TreeText, where: Where, chain: tuple[str, ...]) -> list[Token]:
        folders = [os.path.dirname(source.path or ""), *self._folders]
        paths = [os.path.join(folder, name) for folder in folders]
        path = next((path for path in paths if "\0" not in path and os.path.isfile(path)), None)
        if path is None:
            raise WrongError(f"there is no file {name!r} to include", where, "name its folder by --include")
        real = os.path.realpath(path)
        if not any(os.path.commonpath([real, root]) == root for root in self._roots):
            advice = "files below the folder of the tree are read, and those in folders named by --include"
            raise WrongError(f"{name!r} is outside of the folders that may be read", where, advice)
        if real in chain or len(chain) > MAX_NESTING or len(self.files) > _MOST_FILES:
            raise WrongError(f"{name!r} includes itself, or there are too many", where)
        self.files.append(path)
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if path.endswith(".h"):
            for line in text.splitlines():
                if (define := _DEFINE.match(line.strip())) is not None:
                    self._constants[define[1]] = int(define[2], 0 if define[2][:2].lower() == "0x" else 10)
            return []
        return self._tokens(TreeText(os.path.normpath(path), text, path), (*chain, real))
