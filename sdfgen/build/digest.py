"""SHA-256 of texts and files. hashlib loads OpenSSL, which takes longer than all hashes of a system without guests."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGE_BYTES = 1 << 20
"""From here on OpenSSL's speed pays for loading it."""


def _own() -> Callable[[bytes], Any]:
    """Return Python's own implementation; its name differs from version to version, and it may be missing."""
    for name in ("_sha2", "_sha256"):
        with suppress(ImportError, AttributeError):
            return import_module(name).sha256  # type: ignore[no-any-return]
    return import_module("hashlib").sha256  # type: ignore[no-any-return]


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
