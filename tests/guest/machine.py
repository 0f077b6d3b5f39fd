"""A virtual machine under test: starts it, reads what it says on its console, answers, ends it."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

MARK = "@@ "


class GuestError(Exception):
    """The guest did not say what it was to say: the reason, and the end of its console."""


class Machine:
    """QEMU with the guest's console on its standard input and output. `scratch`: large files that end with it."""

    def __init__(self, command: Sequence[str], log: str, scratch: Sequence[str] = ()) -> None:
        self._scratch = scratch
        self._log_path = log
        self._buffer = b""
        self.said: list[tuple[str, str]] = []
        # Kept open as long as the machine: everything it prints stays readable after a failure.
        self._log = open(log, "wb")  # noqa: SIM115
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends it, whatever it is doing."""
        self._process.kill()
        self._process.communicate()
        self._log.close()
        for path in self._scratch:
            os.unlink(path)

    def wait_for(self, name: str, seconds: float) -> str:
        """The value of the next line `@@ name value`; lines before it are kept in `said`."""
        deadline = time.monotonic() + seconds
        while True:
            line = self._line(name, deadline)
            if line.startswith(MARK):
                said, _, value = line.removeprefix(MARK).partition(" ")
                self.said.append((said, value))
                if said == name:
                    return value

    def has_said(self, name: str) -> bool:
        """Whether it was said up to now."""
        try:
            self.wait_for(name, 0)
        except GuestError:
            return False
        return True

    def answer(self, text: str) -> None:
        """A line on the guest's console."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")

    def _line(self, name: str, deadline: float) -> str:
        while b"\n" not in self._buffer:
            self._buffer += self._read(name, deadline)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode(errors="replace").strip()

    def _read(self, name: str, deadline: float) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise GuestError(f"the guest did not say {name} in time\n{self._tail()}")
        data = os.read(self._process.stdout.fileno(), 65536)
        if not data:
            raise GuestError(f"the machine ended before it said {name}\n{self._tail()}")
        self._log.write(data)
        self._log.flush()
        return data

    def _tail(self) -> str:
        with open(self._log_path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-40:])
