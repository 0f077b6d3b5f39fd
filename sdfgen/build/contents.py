"""What the inputs of a build hold: each is looked at once, when the build begins, and once more when it ends."""

from __future__ import annotations

import os

from sdfgen.build.digest import file_digest
from sdfgen.build.stamps import is_settled, now_ns, stamp, trusting
from sdfgen.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.build.stamps import Stamp


class Entry(NamedTuple):
    """A file's content, and what tells that it is still that.

    Attributes:
        stamp: The file's stamp from before its content was looked at.
        digest: SHA-256 of the content.
        trusted: The same stamp means the same content.
    """

    stamp: Stamp
    digest: str
    trusted: bool


class Contents:
    """Contents of files by path.

    Args:
        known: Entries of an earlier build by absolute path: what they tell by a trusted stamp is not hashed again.
    """

    def __init__(self, known: Mapping[str, Entry] | None = None) -> None:
        self.entries: dict[str, Entry] = {}
        self._known = known or {}
        self._here = os.getcwd()
        self._is_trusted = trusting()

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file.

        Args:
            path: The file.

        Raises:
            OSError: When it cannot be read.
        """
        if path not in self.entries:
            self.entries[path] = self.entry(path)
        return self.entries[path].digest

    def digests(self, paths: Mapping[str, str]) -> dict[str, str]:
        """Return the SHA-256 of files by their names.

        Args:
            paths: Path by name.
        """
        return {name: self.digest(path) for name, path in paths.items()}

    def entry(self, path: str, digest: str | None = None) -> Entry:
        """Return what tells about a file as it is now.

        Args:
            path: The file.
            digest: SHA-256 of its content, where that is known.
        """
        at_ns = now_ns()
        found = stamp(path)
        known = self._known.get(os.path.join(self._here, path))
        if digest is None and known is not None and known.trusted and known.stamp == found:
            return known
        return Entry(found, digest or file_digest(path), is_settled(found, at_ns) and self._is_trusted(path, found))

    def changed(self) -> list[str]:
        """Return the paths whose content is not what it was, or may not be, since somebody wrote meanwhile."""
        return sorted(path for path, entry in self.entries.items() if self._has_changed(path, entry))

    def _has_changed(self, path: str, entry: Entry) -> bool:
        try:
            if entry.trusted and stamp(path) == entry.stamp:
                return False
            return file_digest(path) != entry.digest
        except OSError:
            return True
