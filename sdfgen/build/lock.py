"""One build at a time works in an output folder."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked(folder: str) -> Iterator[tuple[int, bool]]:
    """Let one build at a time work in an output folder; yield the lock, and whether it was waited for.

    Whoever inherits the lock holds it too: after a build was killed the next one waits for what it had started.

    Args:
        folder: The output folder; it is made when it is not there.

    Raises:
        OSError: When it cannot be used.
    """
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "a+", encoding="utf-8") as file:
        waited = False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            sys.stderr.write(f"sdfgen: waiting for another build in {folder} (process {file.read(20).strip()})\n")
            sys.stderr.flush()
            fcntl.flock(file, fcntl.LOCK_EX)
            waited = True
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno(), waited
