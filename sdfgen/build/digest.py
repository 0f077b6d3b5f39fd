"""SHA-256 of texts and files. hashlib loads OpenSSL, which takes longer than all hashes of a system without guests."""

from __future__ import annotations

import os

from sdfgen.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LARGE_BYTES = 1 << 20
"""From here on OpenSSL's speed pays for loading it."""


def _own() -> Callable[[bytes], Any]:
    """Return Python's own implementation; its name differs from version to version, and it may be missing."""
    for name in ("_sha2", "_sha256", "hashlib"):
        try:
            return __import__(name).sha256  # type: ignore[no-any-return]
        except (ImportError, AttributeError):
            continue
    raise ImportError("this Python has no SHA-256")


_sha256 = _own()


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return str(_sha256(content).hexdigest())


def file_digest(path: str) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < _LARGE_BYTES:
            return digest(file.read())
        import hashlib

        return hashlib.file_digest(file, "sha256").hexdigest()
