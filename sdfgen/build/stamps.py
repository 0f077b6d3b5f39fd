"""What a file system says of a file that tells whether its content can be another than it was.

Size and time of change alone deceive: `touch` sets the one, and a link can lead to another file that has both. Nobody
sets the change time (ctime) of an inode, so device, inode and change time together tell, where three things hold: the
file system keeps change times of its own, the clock has moved on since the last change, and it has not been set back.
Where one of them does not hold the content is hashed.
"""

from __future__ import annotations

import os
import time

from sdfgen.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Stamp = list[int]
"""Mode, size, device, inode, and the times of modification and of change in nanoseconds."""

_DEVICE, _CHANGED = 2, 5
_REALTIME_COARSE = 5
"""clock_gettime(2): the clock that Linux takes a file's times from."""
_KEEPS_CHANGE_TIMES = frozenset(
    ("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs")
)
"""Local file systems of Linux that do; a server's may be cached, and vfat has none."""
_MOUNTS = "/proc/self/mountinfo"
_COARSE_NS = 1_000_000_000
"""File systems that keep whole seconds only tell so by zeroes."""


def stamp(path: str) -> Stamp:
    """Return the stamp of a file; of the one it leads to if it is a link.

    Args:
        path: The file.

    Raises:
        OSError: When there is none.
    """
    found = os.stat(path)
    return [found.st_mode, found.st_size, found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def now_ns() -> int:
    """Return the time as file systems take it."""
    try:
        return time.clock_gettime_ns(_REALTIME_COARSE)
    except OSError:  # no Linux; then no stamp is trusted either
        return 0


def is_settled(of: Stamp, at_ns: int) -> bool:
    """Tell whether a change after a stamp was taken would give another one.

    Args:
        of: The stamp.
        at_ns: The time when it was taken.
    """
    changed = of[_CHANGED]
    return changed + (0 if changed % _COARSE_NS else _COARSE_NS) < at_ns


def settle(stamps: list[Stamp], patience_ns: int = 20_000_000) -> None:
    """Wait until the clock has moved on since the last change, a few milliseconds.

    Args:
        stamps: Of files that were just made.
        patience_ns: How long that is waited for: clocks that were set back may take for ever.
    """
    until = now_ns() + patience_ns
    while (at := now_ns()) < until and not all(is_settled(one, at) for one in stamps if one[_CHANGED] <= until):
        time.sleep(0.001)


def trusting() -> Callable[[str, Stamp], bool]:
    """Return what tells whether a file's file system keeps change times, by the file's path and stamp."""
    kinds = _mounted()
    devices: dict[int, bool] = {}

    def is_trusted(path: str, of: Stamp) -> bool:
        device = of[_DEVICE]
        if device not in devices:
            devices[device] = kinds.get(_mount_point(path, kinds)) in _KEEPS_CHANGE_TIMES
        return devices[device]

    return is_trusted


def _mounted() -> dict[str, str]:
    """Return what kind of file system is mounted where."""
    kinds = {}
    try:
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                before, _, after = line.partition(" - ")
                kinds[_unescaped(before.split()[4])] = after.split()[0]
    except (OSError, IndexError):
        return {}
    return kinds


def _mount_point(path: str, kinds: dict[str, str]) -> str:
    folder = os.path.realpath(path)
    while folder not in kinds and folder != "/":
        folder = os.path.dirname(folder)
    return folder


def _unescaped(path: str) -> str:
    """Mount points have blanks and the like in octal: proc(5)."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, character)
    return path
