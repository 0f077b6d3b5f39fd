"""The memory of a machine in QEMU, read through QMP, its protocol for programs."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Final

from sdfgen.run.qmp import Qmp, QmpError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_SOCKET: Final = "qmp"
_DUMP: Final = "page"


class MemoryReadError(Exception):
    """QEMU that does not answer, or not as it should."""


class Memory:
    """A folder with QMP's socket and what is read; used as a context, which removes it.

    Attributes:
        words: What QEMU's command line has more.
    """

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="sdfgen-")
        self._qmp: Qmp | None = None
        self._path = os.path.join(self._folder, _SOCKET)
        path = self._path.replace(",", ",,")
        self.words = ("-qmp", f"unix:{path},server=on,wait=off")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove all that was made."""
        if self._qmp is not None:
            self._qmp.close()
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
            if self._qmp is None:
                self._qmp = Qmp(self._path)
            self._qmp.do("pmemsave", val=address, size=size_bytes, filename=path)
            with open(path, "rb") as file:
                return file.read()
        except QmpError as error:
            raise MemoryReadError(str(error)) from error
        except OSError as error:
            raise MemoryReadError(f"QEMU does not answer: {error.strerror or error}") from error
