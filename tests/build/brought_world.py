"""An SDK and a libvmm, small and whole, that tests damage; what is said of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.paths import ROOT, TESTS

if TYPE_CHECKING:
    from pathlib import Path

BOARD: Final = "qemu_virt_aarch64"
DECLARED: Final = TESTS / "native" / "libvmm" / "include"
ZIG: Final = (sys.executable, "-m", "ziglang")
CONFIGS: Final = {
    "debug": {"HARDWARE_DEBUG_API": True, "MAX_NUM_NODES": "1"},
    "release": {"HARDWARE_DEBUG_API": False, "MAX_NUM_NODES": "1"},
    "benchmark": {"HARDWARE_DEBUG_API": False, "MAX_NUM_NODES": "1"},
}
# What the declarations for tests lack of an SDK's header: it includes the kernel's, and has functions of its own.
OF_MICROKIT: Final = """
#include <interfaces/sel4_client.h>
static inline int of_microkit(void) { return of_kernel(); }
void microkit_arm_smc_call(void);
"""
OF_KERNEL: Final = "#pragma once\n#include <sel4/types.h>\nstatic inline int of_kernel(void) { return of_types(); }\n"
OF_TYPES: Final = "#pragma once\nstatic inline int of_types(void) { return 7; }\n"
# What no configuration of ours includes does not have to be there.
OF_LIBVMM: Final = """
#include <sddf/util/printf.h>
#if defined(CONFIG_ARCH_X86_64)
#include <libvmm/arch/x86_64/nowhere.h>
#endif
"""
LIBRARY: Final = "#include <microkit.h>\nint use(void);\nint use(void) { return of_microkit(); }\n"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def put_world(folder: Path) -> None:
    """`sdk` and `libvmm`, which go together."""
    put(folder / "sdk" / "VERSION", "2.3.0\n")
    put(folder / "sdk" / "bin" / "microkit", "#!/bin/sh\n").chmod(0o755)
    for config, options in CONFIGS.items():
        put_config(folder / "sdk" / "board" / BOARD / config, options)
    shutil.copytree(DECLARED / "libvmm", folder / "libvmm" / "include" / "libvmm")
    with (folder / "libvmm" / "include" / "libvmm" / "libvmm.h").open("a") as file:
        file.write(OF_LIBVMM)
    put(folder / "libvmm" / "include" / "sddf" / "util" / "printf.h", "#pragma once\n")
    put_library(folder, folder / "sdk" / "board" / BOARD / "debug" / "include")


def put_config(folder: Path, options: dict[str, object]) -> None:
    for name in ("libmicrokit.a", "microkit.ld"):
        put(folder / "lib" / name, "")
    put(folder / "include" / "kernel" / "gen_config.json", json.dumps(options))
    put(folder / "include" / "microkit.h", (DECLARED / "microkit.h").read_text() + OF_MICROKIT)
    put(folder / "include" / "interfaces" / "sel4_client.h", OF_KERNEL)
    put(folder / "include" / "sel4" / "types.h", OF_TYPES)


def put_library(folder: Path, include: Path, *flags: str, target: str = "aarch64-freestanding") -> None:
    """`libvmm/libvmm.a`, compiled with the headers of a folder."""
    put(folder / "made" / "library.c", LIBRARY)
    compiler = (*ZIG, "cc", "-target", target, "-ffreestanding", "-O0", "-gdwarf-5", *flags, "-isystem", str(include))
    subprocess.run((*compiler, "-c", "library.c", "-o", "library.o"), cwd=folder / "made", check=True)
    (folder / "libvmm" / "libvmm.a").unlink(missing_ok=True)
    subprocess.run((*ZIG, "ar", "rcsD", "../libvmm/libvmm.a", "library.o"), cwd=folder / "made", check=True)


def told(text: str, folder: Path) -> str:
    """What is said, the same wherever the folder is."""
    known = {str(folder): "HERE", os.path.dirname(sys.executable): "PYTHON", str(ROOT): "SDFGEN"}
    for path, name in known.items():
        text = text.replace(path, name)
    return text
