"""The memory of a machine in QEMU, read through QMP, its protocol for programs."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PATIENCE_S: Final = 5
_PAUSE_S: Final = 0.05
_SOCKET: Final = "qmp"
_DUMP: Final = "page"


class MemoryReadError(Exception):
    """QEMU that does not answer, or not as it should."""


class _Answer(NamedTuple):
    """What QEMU says to a command; its events are something else."""

    error: str | None


class Memory:
    """A folder with QMP's socket and what is read; used as a context, which removes it.

    Attributes:
        words: What QEMU's command line has more.
    """

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="sdfgen-")
        self._socket: socket.socket | None = None
        self._rest = b""
        path = os.path.join(self._folder, _SOCKET).replace(",", ",,")
        self.words = ("-qmp", f"unix:{path},server=on,wait=off")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove all that was made."""
        if self._socket is not None:
            self._socket.close()
        for name in os.listdir(self._folder):
            os.unlink(os.path.join(self._folder, name))
        os.rmdir(self._folder)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return what lies in physical memory.

        Args:
            address: Where.
            size_bytes: How much.

        Raises:
            MemoryReadError: QEMU does not answer, or says why not.
        """
        path = os.path.join(self._folder, _DUMP)
        try:
            if self._socket is None:
                self._connect()
            self._do("pmemsave", val=address, size=size_bytes, filename=path)
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise MemoryReadError(f"QEMU does not answer: {error.strerror or error}") from error

    def _connect(self) -> None:
        """Connect as soon as QEMU listens; it says who it is, and is told that we are no older protocol."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            found.settimeout(_PATIENCE_S)
            try:
                found.connect(os.path.join(self._folder, _SOCKET))
                break
            except OSError:
                found.close()
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_S)
        self._socket = found
        self._line()
        self._do("qmp_capabilities")

    def _do(self, command: str, **arguments: object) -> None:
        assert self._socket is not None  # noqa: S101 - it is connected first
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        answer = self._answer()
        if answer.error is not None:
            raise MemoryReadError(f"QEMU refuses {command}: {answer.error}")

    def _answer(self) -> _Answer:
        while True:
            said = self._line()
            if "error" in said:
                return _Answer(str(said["error"].get("desc")))
            if "return" in said:
                return _Answer(None)

    def _line(self) -> dict[str, Any]:
        assert self._socket is not None  # noqa: S101 - it is connected first
        while b"\n" not in self._rest:
            more = self._socket.recv(1 << 16)
            if not more:
                raise MemoryReadError("QEMU has ended")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said
