"""Compilers for the C under templates/c/, and where its files are."""

from __future__ import annotations

import functools
import glob
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from sdfgen.build.toolchain import (
    GNU_WITHOUT_FPU,
    LINK_FLAGS,
    LINUX_FLAGS,
    PD_FLAGS,
    WARNINGS,
    ZIG_FLAGS,
    ZIG_WITHOUT_FPU,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = os.path.dirname(os.path.abspath(__file__))
C_TESTS = os.path.join(HERE, "c")
TWO_CLIENTS = os.path.join(HERE, "fixtures", "two_clients")
TEMPLATES_C = os.path.join(os.path.dirname(os.path.dirname(HERE)), "templates", "c")

ZIG_CC = (sys.executable, "-m", "ziglang", "cc")
# What a build uses, flag for flag.
DRIVER_CC = (*ZIG_CC, *ZIG_FLAGS.split(), "-target", "aarch64-linux-musl", *LINUX_FLAGS.split())
PD_CC = (*ZIG_CC, *ZIG_FLAGS.split(), "-target", "aarch64-freestanding", ZIG_WITHOUT_FPU, *PD_FLAGS.split())
GNU_PD_CC = ("aarch64-linux-gnu-gcc", GNU_WITHOUT_FPU, *PD_FLAGS.split())
SANITIZERS = "-fsanitize=address,undefined"
SANITIZED = ("-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
# The sources under c/ that stand in for system calls (ld --wrap), and for which.
WRAPS = {
    "uio_device_wrap.c": ("open", "mmap"),
    "uio_fault_wrap.c": ("pread", "pwrite", "fdatasync", "fallocate", "stat", "ioctl"),
}


class CompileError(Exception):
    """The compiler's own words."""


def run(command: Sequence[str]) -> str:
    """The command's standard output; its complaint is the error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(" ".join(command) + "\n" + done.stderr)
    return done.stdout


def include_flags(templates_c: str = TEMPLATES_C) -> tuple[str, ...]:
    return ("-I", os.path.join(templates_c, "include"))


def folders(*names: str, templates_c: str = TEMPLATES_C) -> tuple[str, ...]:
    """All that a build takes of folders under templates/c, as `folder/file.c`."""
    paths = (path for name in names for path in sorted(glob.glob(os.path.join(templates_c, name, "*.c"))))
    return tuple(os.path.relpath(path, templates_c) for path in paths)


def driver_sources(table: str, templates_c: str = TEMPLATES_C) -> tuple[str, ...]:
    """All of the UIO driver, with the generated table that makes it this system's."""
    sources = folders("common", "block", "uio", "uio_block", templates_c=templates_c)
    return (*(os.path.join(templates_c, source) for source in sources), table)


def wrap_sources(*names: str) -> tuple[str, ...]:
    return tuple(os.path.join(C_TESTS, name) for name in names)


def wrap_flags(*names: str) -> tuple[str, ...]:
    return tuple(f"-Wl,--wrap={call}" for name in names for call in WRAPS[name])


@functools.cache
def sanitizing_compiler() -> tuple[str, ...]:
    """A native compiler that finds memory errors, or Zig's, which finds undefined behaviour only."""
    for name in ("gcc", "clang", "cc"):
        if why_unusable(name) is None:
            return (name, SANITIZERS)
    return (*ZIG_CC, "-fsanitize=undefined")


@functools.cache
def why_unusable(
    compiler: str, sanitizers: str = SANITIZERS, program: str = "int main(void) { return 0; }"
) -> str | None:
    """Why a native compiler can't make programs with sanitizers here: Clang's libraries are packages of their own."""
    if shutil.which(compiler) is None:
        return f"{compiler} is not installed"
    command = (compiler, sanitizers, "-x", "c", "-", "-o", os.devnull)
    done = subprocess.run(command, input=program, text=True, capture_output=True, check=False)
    return None if done.returncode == 0 else f"{compiler} cannot link {sanitizers} (Debian: libclang-rt-dev)"


def build_native(output: str, sources: Sequence[str], *flags: str) -> str:
    """Compiles a native program with sanitizers; the path it was given."""
    flags = (*WARNINGS.split(), *SANITIZED, *flags, *include_flags())
    run((*sanitizing_compiler(), *flags, "-pthread", *sources, "-o", output))
    return output


def build_driver(output: str, table: str, templates_c: str = TEMPLATES_C, wraps: Sequence[str] = ()) -> str:
    """Compiles and links the UIO driver as a build does; with `wraps`, on stand-ins for some system calls."""
    objects = []
    for source in (*driver_sources(table, templates_c), *wrap_sources(*wraps)):
        objects.append(f"{output}.{os.path.basename(source)}.o")
        run((*DRIVER_CC, *include_flags(templates_c), "-c", source, "-o", objects[-1]))
    script = os.path.join(templates_c, "uio", "discard_debug.ld")
    run((*DRIVER_CC, *LINK_FLAGS.split(), *wrap_flags(*wraps), *objects, "-Wl,-T," + script, "-o", output))
    return output


def build_pd_object(output: str, source: str, templates_c: str = TEMPLATES_C) -> str:
    """Compiles one object for a protection domain as a build does."""
    run((*PD_CC, *include_flags(templates_c), "-c", source, "-o", output))
    return output
