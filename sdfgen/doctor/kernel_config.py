"""How a Linux kernel was configured: from the kernel itself, or from a file beside it.

A kernel with CONFIG_IKCONFIG holds its configuration, compressed by gzip, between two marks (kernel/configs.c).
"""

from __future__ import annotations

import mmap
import os
import re
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_START: Final = b"IKCFG_ST"
_MOST_BYTES: Final = 4 * 2**20
"""More than any configuration has."""
_OPTION: Final = re.compile(r"^CONFIG_(\w+)=(.*)$", re.MULTILINE)
_IS_CONFIG: Final = re.compile(r"^(?:CONFIG_\w+=|# CONFIG_\w+ is not set)", re.MULTILINE)


class KernelConfig(NamedTuple):
    """A kernel's configuration.

    Attributes:
        source: The file that tells.
        options: Values by name, without `CONFIG_`: `y`, `m`, a number or text. What is not set is not there.
    """

    source: str
    options: dict[str, str]


def config_of(kernel: str, named: str | None = None) -> KernelConfig | None:
    """Return how a kernel was configured; None when neither it nor a file beside it tells.

    Args:
        kernel: The kernel's file.
        named: A configuration's file, or a kernel that holds one, to look at instead.

    Raises:
        OSError: When the named file can't be read.
        ValueError: When it holds no configuration.
    """
    if named is not None:
        found = _in_kernel(named) or _in_text(named)
        if found is None:
            raise ValueError(f"{named} is no kernel configuration, and no kernel that holds one (CONFIG_IKCONFIG)")
        return found
    with suppress(OSError):
        if (found := _in_kernel(kernel)) is not None:
            return found
    for path in _beside(kernel):
        with suppress(OSError):
            if (found := _in_text(path)) is not None:
                return found
    return None


def _beside(kernel: str) -> Iterator[str]:
    """Yield where configurations lie: beside the kernel, or at the top of the source that it was built in."""
    folder, name = os.path.split(kernel)
    yield f"{kernel}.config"
    for prefix in ("vmlinuz", "Image", "kernel"):
        if name.startswith(prefix):
            yield os.path.join(folder, f"config{name.removeprefix(prefix)}")
    yield os.path.join(folder, ".config")
    yield os.path.normpath(os.path.join(folder, "..", "..", "..", ".config"))  # arch/arm64/boot/Image


def _in_kernel(path: str) -> KernelConfig | None:
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = data.find(_START)
            packed = data[at + len(_START) : at + len(_START) + _MOST_BYTES] if at >= 0 else b""
    try:
        text = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed, _MOST_BYTES)  # 16: with gzip's header
    except zlib.error:
        return None
    return _parsed(path, text)


def _in_text(path: str) -> KernelConfig | None:
    with open(path, "rb") as file:
        return _parsed(path, file.read(_MOST_BYTES))


def _parsed(path: str, data: bytes) -> KernelConfig | None:
    text = data.decode("utf-8", "replace")
    if not _IS_CONFIG.search(text):
        return None
    return KernelConfig(path, {name: value.strip('"') for name, value in _OPTION.findall(text)})
