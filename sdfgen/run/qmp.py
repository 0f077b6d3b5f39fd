"""QMP: QEMU's protocol for programs."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PATIENCE_S: Final = 5
_PAUSE_S: Final = 0.05


class QmpError(Exception):
    """QEMU that does not answer, or not as it should."""


class Qmp:
    """A connection to QEMU; used as a context, which closes it."""

    def __init__(self, path: str) -> None:
        """Connect as soon as QEMU listens; it says who it is, and is told that we are no older protocol.

        Args:
            path: Of the socket.

        Raises:
            QmpError: QEMU says something else.
            OSError: It does not listen, or not answer.
        """
        self._rest = b""
        self._socket = _connected(path)
        try:
            self._line()
            self.do("qmp_capabilities")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def do(self, command: str, **arguments: object) -> None:
        """Have a command done.

        Args:
            command: Its name.
            arguments: Its arguments.

        Raises:
            QmpError: QEMU says why not.
            OSError: It does not answer.
        """
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        said = self._line()
        while "return" not in said:  # events are something else
            if "error" in said:
                raise QmpError(f"QEMU refuses {command}: {said['error'].get('desc')}")
            said = self._line()

    def _line(self) -> dict[str, Any]:
        while b"\n" not in self._rest:
            more = self._socket.recv(1 << 16)
            if not more:
                raise QmpError("QEMU has ended")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said


def _connected(path: str) -> socket.socket:
    until = time.monotonic() + _PATIENCE_S
    while True:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.settimeout(_PATIENCE_S)
        try:
            found.connect(path)
        except OSError:
            found.close()
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
        else:
            return found
