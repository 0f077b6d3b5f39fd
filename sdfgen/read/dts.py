"""Device trees as people write them: source with includes, labels and later parts over earlier ones."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sdfgen.faults.place import MAX_NESTING
from sdfgen.faults.source import Where
from sdfgen.read.conditions import CONDITIONS, Branches, Macros
from sdfgen.read.dts_parser import Parser, Token, TreeText, WrongError
from sdfgen.read.overlays import apply_fragments, lay_over, resolve
from sdfgen.read.tree import Node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sdfgen.faults.fault import Faults


_TOKENS = re.compile(
    r"""(?:
      (?P<blank>\s+|/\*.*?\*/|//[^\n]*)
    | (?P<directive>^[ \t]*\#[ \t]*
        (?:include|define|undef|ifdef|ifndef|if|else|elif|endif|error|warning|pragma|line|\d+)\b(?!-)
        (?:\\\r?\n|/\*.*?\*/|[^\n])*)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<char>'(?:[^'\\\n]|\\.)+')
    | (?P<keyword>/[a-z][a-z0-9-]*/)
    | (?P<ref>&\{[^}\n]*\}|&[A-Za-z_]\w*)
    | (?P<name>[A-Za-z0-9,._+*\#?@-]+)
    | (?P<mark><<|>>|&&|\|\||[<>=!]=|[{}\[\]();:=<>,/|&^~!%])
    )[ \t]*""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_INCLUDE = re.compile(r'#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*(.*)", re.DOTALL)
_CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif|else|endif)\b(?!-)(?:\\\r?\n|[^\n])*", re.MULTILINE)
_MOST_FILES = 200


NOTHING: Mapping[str, str] = {}


class Trees:
    """Reads parts of one tree, in order: later ones add to earlier ones and override them.

    Attributes:
        root: The tree.
        files: What was read.
        unresolved: References to labels that no part has.

    Args:
        folders: Where more files to include may be.
        faults: Takes what is wrong with them.
        defines: Macros, with their texts.
    """

    def __init__(self, folders: Sequence[str], faults: Faults, defines: Mapping[str, str] = NOTHING) -> None:
        self.root = Node("", None)
        self.files: list[str] = []
        self.unresolved: list[tuple[str, Where]] = []
        self._folders = folders
        self._roots = [os.path.realpath(folder) for folder in folders]
        self._faults = faults
        self._labels: dict[str, Node] = {}
        self._macros = Macros(defines, lambda _: False)

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
            Parser(tokens, self.root, self._labels, self.unresolved, self._macros).file()
            apply_fragments(self.root, self._labels, self.unresolved)
        except WrongError as error:
            self._faults.add(error.fault)

    def lay_over(self, added: Node) -> None:
        """Take a part that was flattened.

        Args:
            added: Its root.
        """
        lay_over(self.root, added, self._labels)
        apply_fragments(self.root, self._labels, self.unresolved)
        self.root.where = self.root.where or added.properties.get("compatible", added).where

    def resolve(self) -> None:
        """Make references numbers, when all parts are read."""
        resolve(self.root, self._labels)

    def _tokens(self, source: TreeText, chain: tuple[str, ...]) -> list[Token]:
        """Return the tokens of a file, those of what it includes among them."""
        found: list[Token] = []
        branches = Branches(self._macros)
        at, text, skipped = 0, source.text, False
        while at < len(text):
            match = (_CONDITION.search if skipped else _TOKENS.match)(text, at)
            if match is None and skipped:
                break
            if match is None:
                raise WrongError(f"{text[at]!r} has no meaning here", Where(source, (at, 1)))
            kind = "directive" if skipped else str(match.lastgroup)
            if kind == "directive":
                found += self._directive(match[0].strip(), source, Where(source, (match.start(), 1)), chain, branches)
                skipped = branches.seen is False
            elif kind != "blank":
                found.append(Token(kind, match[kind], source, at))
            at = match.end()
        if branches.depth:
            end = Where(source, (text.rfind("\n") + 1, 1))
            raise WrongError("a condition does not end", end, "write #endif")
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

    def _directive(
        self, text: str, source: TreeText, where: Where, chain: tuple[str, ...], branches: Branches
    ) -> list[Token]:
        match = _DIRECTIVE.match(text)
        word, rest = (match[1], re.sub(r"\\\r?\n", " ", match[2])) if match else ("", "")
        if word in CONDITIONS:
            self._condition(word, rest, where, branches)
        elif word == "include":
            include = _INCLUDE.match(text)
            if include is None:
                raise WrongError(f"{text!r} names no file", where)
            return self._file(include[1] or include[2], source, where, chain)
        elif word == "define":
            self._macros.define(rest)
        elif word == "undef":
            self._macros.undefine(rest)
        elif word == "error":
            raise WrongError(f"the file says: {rest}", where, "name what it needs by --define")
        return []

    @staticmethod
    def _condition(word: str, rest: str, where: Where, branches: Branches) -> None:
        if word not in ("if", "ifdef", "ifndef") and not branches.depth:
            raise WrongError(f"#{word} stands without a condition", where)
        if branches.directive(word, rest) is None:
            advice = "cpp -nostdinc -undef -x assembler-with-cpp FILE"
            raise WrongError(f"#{word} {rest} cannot be evaluated here", where, advice)

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
        return self._tokens(TreeText(os.path.normpath(path), text, path), (*chain, real))
