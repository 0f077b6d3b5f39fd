"""Line and column of every key and value of a TOML text; loaded only when a fault is shown."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from sdfgen.faults.place import MAX_NESTING, Span

if TYPE_CHECKING:
    import tree_sitter

    from sdfgen.faults.place import Path

Spans = dict[tuple["Path", bool], Span]
_KEYS = ("bare_key", "quoted_key", "dotted_key")
_PUNCTUATION = ("=", ",", "[", "]", "{", "}", "[[", "]]", "comment")


def spans_of(text: str) -> Spans:
    """Return the place of every (path, is-key) of `text`; broken parts are passed over."""
    import tree_sitter
    import tree_sitter_toml

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
    walker = _Walker(text)
    walker.document(parser.parse(text.encode(errors="replace")).root_node)
    return walker.spans


class _Walker:
    def __init__(self, text: str) -> None:
        self.spans: Spans = {}
        self._lines = text.encode(errors="replace").split(b"\n")
        self._arrays: dict[Path, int] = {}

    def document(self, root: tree_sitter.Node) -> None:
        for child in root.children:
            if child.type == "pair":
                self._pair(child, ())
            elif child.type in ("table", "table_array_element"):
                self._table(child)

    def _table(self, node: tree_sitter.Node) -> None:
        header = next((c for c in node.children if c.type in _KEYS), None)
        if header is None:
            return
        path = self._indexed(_key_parts(header))
        self._implied(path, header)
        if node.type == "table_array_element":
            self._arrays[path] = self._arrays.get(path, -1) + 1
            self.spans.setdefault((path, True), self._span(header))
            path = (*path, self._arrays[path])
        self.spans[path, True] = self._span(header)
        for child in node.children:
            if child.type == "pair":
                self._pair(child, path)

    def _implied(self, path: Path, header: tree_sitter.Node) -> None:
        """Let tables that only stand in the headers of others, as `a` in `[a.b]`, have a place too."""
        for length in range(1, len(path)):
            if (path[:length], True) not in self.spans:
                self.spans[path[:length], True] = self._span(header)

    def _indexed(self, parts: tuple[str, ...]) -> Path:
        """Point each array of tables on the way at its newest element, as TOML does."""
        path: Path = ()
        for index, part in enumerate(parts):
            path = (*path, part)
            if index < len(parts) - 1 and path in self._arrays:
                path = (*path, self._arrays[path])
        return path

    def _pair(self, node: tree_sitter.Node, base: Path) -> None:
        named = [c for c in node.children if c.type not in _PUNCTUATION]
        if len(named) < 2 or named[0].type not in _KEYS:  # noqa: PLR2004 - a key and a value
            return
        path: Path = base
        for part in _key_parts(named[0]):
            path = (*path, part)
            self.spans.setdefault((path, True), self._span(named[0]))
        self._value(named[1], path)

    def _value(self, node: tree_sitter.Node, path: Path) -> None:
        self.spans[path, False] = self._span(node)
        if len(path) > MAX_NESTING:
            return
        items = [c for c in node.children if c.type not in _PUNCTUATION]
        if node.type == "array":
            for index, item in enumerate(items):
                self._value(item, (*path, index))
        elif node.type == "inline_table":
            for item in items:
                self._pair(item, path)

    def _span(self, node: tree_sitter.Node) -> Span:
        line, column = node.start_point
        raw = self._lines[line]
        end = node.end_point[1] if node.end_point[0] == line else len(raw.rstrip(b"\r"))
        before = raw[:column].decode(errors="replace")
        inside = raw[column:end].decode(errors="replace")
        return Span(line + 1, len(before) + 1, max(1, len(inside)))


def _key_parts(node: tree_sitter.Node) -> tuple[str, ...]:
    text = (node.text or b"").decode(errors="replace")
    try:
        tree: object = tomllib.loads(f"{text} = 0")
    except ValueError:
        return (text,)
    parts: list[str] = []
    while isinstance(tree, dict):
        ((key, tree),) = tree.items()
        parts.append(key)
    return tuple(parts)
