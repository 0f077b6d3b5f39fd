"""The vhost-user back end: compiled from the project's C, started, killed."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Self

from sdfgen.build.toolchain import WARNINGS
from tests.native.toolchain import SANITIZED, TEMPLATES_C, sanitizing_compiler
from tests.native.toolchain import run as run_compiler

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

OWN_C = os.path.join(os.path.dirname(os.path.abspath(__file__)), "c")
# The block data path as it runs in protection domains, but for the transport that only a VMM has.
PRODUCT = ("block", "block_virt", "virtio", "virtio_blk")
LEFT_OUT = ("virtio_mmio.c", "virtio_mmio_page.c")
READ, WRITE, FLUSH, BARRIER, DISCARD, WRITE_ZEROES = 0, 1, 2, 3, 0x100, 0x101
# The generated tables have addresses where AddressSanitizer has its shadow.
FIXED_ADDRESSES = ("-fno-sanitize=address", "-fsanitize=undefined")


def sources(main: str) -> list[str]:
    """The files of one of the back ends, in the folder `main`, and the product's."""
    folders = [os.path.join(OWN_C, "vhost_user"), os.path.join(OWN_C, main)]
    folders += [os.path.join(TEMPLATES_C, name) for name in PRODUCT]
    return [
        os.path.join(folder, name)
        for folder in folders
        for name in sorted(os.listdir(folder))
        if name.endswith(".c") and name not in LEFT_OUT
    ]


def build_backend(output: str, main: str, *more: str) -> str:
    """Compiles one with sanitizers; the path it was given."""
    includes = ("-I", os.path.join(TEMPLATES_C, "include"), "-I", os.path.join(OWN_C, "vhost_user"))
    run_compiler(
        (*sanitizing_compiler(), *WARNINGS.split(), *SANITIZED, *includes, *sources(main), *more, "-o", output)
    )
    return output


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """A socket and the partition behind it."""

    socket: str
    partition: int
    read_only: bool = False

    def argument(self) -> str:
        return f"{self.socket}:{self.partition}" + (":ro" if self.read_only else "")


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """A request that the driver did, as its log has it."""

    code: int
    block: int
    count: int
    status: int


def read_log(path: str) -> list[Done]:
    """All that the driver did; a last line that is still being written is left out."""
    with open(path, encoding="ascii") as file:
        lines = file.read().split("\n")[:-1]
    return [Done(*map(int, line.split())) for line in lines]


class Backend:
    """One process of a back end."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout is not None
        self.output = [self._process.stdout.readline().strip()]
        assert self.output == ["ready"], self.end()

    @classmethod
    def on_file(cls, program: str, disk: str, clients: Sequence[Client], log: str, *options: str) -> Self:
        """The one with a file as its disk."""
        arguments = [text for client in clients for text in ("--client", client.argument())]
        return cls(program, "--disk", disk, "--log", log, *arguments, *options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> list[str]:
        """Kills it as a crash would; everything it printed."""
        if self._process.stdout is not None and not self._process.stdout.closed:
            self._process.send_signal(signal.SIGKILL)
            self.output += self._process.communicate()[0].splitlines()
        return self.output

    def alive(self) -> bool:
        """A sanitizer that found something ends the process."""
        return self._process.poll() is None
