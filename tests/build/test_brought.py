"""What the user brings is looked at before it is used: each kind of damage is told with its file, and nothing else.

Two judges: a compiler's own debug information says what a library was compiled for, and its preprocessor which headers
it looks for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.build.archive import ArchiveError, read_archive
from sdfgen.build.brought import toolchain_faults
from sdfgen.build.toolchain import find_toolchain
from sdfgen.describe import describe
from sdfgen.faults.render import as_text

from .brought_world import BOARD, ZIG, put, put_config, put_library, put_world, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Golden

GOLDENS: Final = Path(__file__).parent / "brought"
DESCRIPTION: Final = f"""\
[system]
name = "brought"
boards = ["{BOARD}"]
[[guest]]
name = "linux"
kernel = "kernel"
"""
NAMED: Final = '[toolchain]\nmicrokit_sdk = "sdk"\nlibvmm = "libvmm"\n'
DEBUG: Final = Path("sdk", "board", BOARD, "debug")
# A 32-bit ARM program's first bytes.
OTHER_ELF: Final = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00\x28\x00" + bytes(44)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    put_world(folder)
    return folder


@pytest.fixture
def world(whole: Path, tmp_path: Path) -> Path:
    """A copy at a place whose library was compiled where the copy is from: only ends of paths are compared."""
    shutil.copytree(whole, tmp_path / "world")
    return tmp_path / "world"


def said(world: Path, more: str = NAMED, *settings: str) -> str:
    kernel = bytearray(4096)
    kernel[56:60] = b"ARMd"
    (world / "kernel").write_bytes(kernel)
    path = put(world / "system.toml", DESCRIPTION + more)
    described = describe(str(path), settings)
    assert as_text(described.faults.sorted()) == ""
    system, table = described.systems[BOARD], described.specs[BOARD].toolchain
    described.faults.extend(toolchain_faults(find_toolchain(table, system), table, system))
    return told(as_text(described.faults.sorted()), world)


def test_nothing_is_said_of_what_is_whole(world: Path) -> None:
    assert said(world) == ""


def moved(old: str, new: str) -> Callable[[Path], None]:
    def move(world: Path) -> None:
        (world / new).parent.mkdir(parents=True, exist_ok=True)
        (world / old).rename(world / new)

    return move


def written(name: str, content: bytes) -> Callable[[Path], None]:
    def write(world: Path) -> None:
        (world / name).write_bytes(content)

    return write


def without(name: str) -> Callable[[Path], None]:
    def remove(world: Path) -> None:
        path = world / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def compiled(include: Path, *flags: str, target: str = "aarch64-freestanding") -> Callable[[Path], None]:
    return lambda world: put_library(world, world / include, *flags, target=target)


def compiled_for_another_board(world: Path) -> None:
    put_config(world / "other" / "board" / "odroidc4" / "debug", {})
    put_library(world, world / "other" / "board" / "odroidc4" / "debug" / "include")


def compiled_for_several_cores(world: Path) -> None:
    several = world / "sdk" / "board" / BOARD / "smp-debug"
    put_config(several, {"HARDWARE_DEBUG_API": True, "MAX_NUM_NODES": "4"})
    put_library(world, several / "include")


def compiled_with_another_sdk(world: Path) -> None:
    with (world / DEBUG / "include" / "microkit.h").open("a") as file:
        file.write("void added_since(void);\n")


def source_of_libvmm(world: Path) -> None:
    (world / "libvmm" / "libvmm.a").unlink()
    put(world / "libvmm" / "vmm.mk", "")


def built_for_others(world: Path) -> None:
    for name in ("odroidc4/debug", f"{BOARD}/release"):
        shutil.copytree(world / "libvmm", world / "several" / name)
    shutil.rmtree(world / "libvmm")
    (world / "several").rename(world / "libvmm")


def sddf_in_a_checkout(world: Path) -> None:
    moved("libvmm/include/sddf", "libvmm/dep/sddf/include/sddf")(world)


def old_microkit(world: Path) -> None:
    header = world / DEBUG / "include" / "microkit.h"
    header.write_text(header.read_text().replace("microkit_arm_smc_call", "other"))
    put_library(world, world / DEBUG / "include")


BOTH_LACK: Final = ("libvmm/include/sddf", "libvmm/include/libvmm/arch/aarch64/vgic", f"{DEBUG}/include/sel4")
DAMAGES: Final[dict[str, Callable[[Path], object]]] = {
    "sdk_gone": without("sdk"),
    "sdk_too_high": lambda world: too_high(world, "sdk"),
    "sdk_lacks_tool": without("sdk/bin/microkit"),
    "sdk_lacks_header": without(f"{DEBUG}/include/microkit.h"),
    "sdk_lacks_board": moved(f"sdk/board/{BOARD}", "sdk/board/odroidc4"),
    "sdk_lacks_config": without(str(DEBUG)),
    "sdk_of_another_version": written("sdk/VERSION", b"2.0.1\n"),
    "tool_not_executable": lambda world: (world / "sdk" / "bin" / "microkit").chmod(0o644),
    "tool_of_another_machine": written("sdk/bin/microkit", OTHER_ELF),
    "tool_of_macos": written("sdk/bin/microkit", b"\xcf\xfa\xed\xfe"),
    "tool_is_no_program": written("sdk/bin/microkit", b"hello"),
    "libvmm_gone": without("libvmm"),
    "libvmm_too_high": lambda world: too_high(world, "libvmm"),
    "libvmm_is_source": source_of_libvmm,
    "libvmm_lacks_library": without("libvmm/libvmm.a"),
    "libvmm_for_others": built_for_others,
    "libvmm_old": without("libvmm/include/libvmm/libvmm.h"),
    "library_is_text": written("libvmm/libvmm.a", b"hello"),
    "library_is_thin": written("libvmm/libvmm.a", b"!<thin>\n"),
    "library_is_empty": written("libvmm/libvmm.a", b"!<arch>\n"),
    "library_for_x86": compiled(DEBUG / "include", target="x86_64-freestanding"),
    "library_for_another_board": compiled_for_another_board,
    "library_for_another_config": compiled(Path("sdk", "board", BOARD, "release", "include")),
    "library_for_several_cores": compiled_for_several_cores,
    "library_with_another_microkit": compiled_with_another_sdk,
    "microkit_old": old_microkit,
    "header_of_sddf": without("libvmm/include/sddf"),
    "header_of_sddf_elsewhere": sddf_in_a_checkout,
    "header_of_libvmm": without("libvmm/include/libvmm/arch/aarch64/vgic/virq.h"),
    "headers_of_both": lambda world: [without(name)(world) for name in BOTH_LACK],
    "header_of_the_kernel": without(f"{DEBUG}/include/sel4/types.h"),
}


def too_high(world: Path, name: str) -> None:
    (world / name).rename(world / "inner")
    (world / name).mkdir()
    (world / "inner").rename(world / name / "inner")


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told(world: Path, name: str, golden: Golden) -> None:
    DAMAGES[name](world)
    text = said(world)
    assert text != ""
    golden.check(GOLDENS / f"{name}.txt", text)


def test_every_golden_file_has_its_damage() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == {*DAMAGES, *COMPILERS, "zig_not_installed"}


# What a library may be compiled with and still be right.
HARMLESS: Final[dict[str, Callable[[Path], None]]] = {
    "no debug information": compiled(DEBUG / "include", "-g0"),
    "DWARF 4, without digests": compiled(DEBUG / "include", "-gdwarf-4"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_nothing_is_said_of_what_cannot_be_seen(world: Path, name: str) -> None:
    HARMLESS[name](world)
    assert said(world) == ""


def test_release_and_benchmark_are_one_kernel_for_libvmm(world: Path) -> None:
    put_library(world, world / "sdk" / "board" / BOARD / "benchmark" / "include")
    assert said(world, NAMED, "system.config='release'") == ""


def test_below_an_sdk_is_told_from_the_sdk(world: Path) -> None:
    text = said(world, NAMED.replace('"sdk"', f'"{DEBUG}"'))
    assert f"HERE/{DEBUG} is no Microkit SDK: it has no VERSION, no board, no bin" in text
    assert "help: name a folder that is one: HERE/sdk\n" in text


def test_the_environment_is_named_as_such(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROKIT_SDK", str(world / "nowhere"))
    monkeypatch.delenv("LIBVMM", raising=False)
    assert said(world, "").startswith("environment variable MICROKIT_SDK:1:1: error[SDF101]: there is no folder")


def test_an_archive_that_is_cut_is_told_wherever_it_is_cut(world: Path) -> None:
    whole = (world / "libvmm" / "libvmm.a").read_bytes()
    path = world / "cut.a"
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        with pytest.raises(ArchiveError):
            read_archive(str(path))


@pytest.mark.parametrize("form", ["gnu", "bsd", "darwin"])
def test_archives_of_all_forms_are_read(world: Path, form: str) -> None:
    long_name = world / "made" / "a_name_of_more_than_fifteen_letters.o"
    shutil.copy(world / "made" / "library.o", long_name)
    path = world / f"{form}.a"
    subprocess.run((*ZIG, "ar", f"--format={form}", "rcs", path, long_name, world / "made" / "library.o"), check=True)
    assert read_archive(str(path)) == path.read_bytes()


SCRIPT: Final = "#!/bin/sh\n{}\n"
# What stands for `gcc` behind the prefix, and for `gcc-ar`.
COMPILERS: Final[dict[str, tuple[str | None, bool]]] = {
    "compiler_not_there": (None, False),
    "compiler_without_ar": ("echo aarch64-linux-gnu", False),
    "compiler_for_the_host": ("echo x86_64-linux-gnu", True),
    "compiler_that_fails": ("exit 3", True),
}


@pytest.mark.parametrize("name", COMPILERS)
def test_a_compiler_is_tried(world: Path, name: str, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler, with_ar = COMPILERS[name]
    monkeypatch.setenv("PATH", f"{world / 'bin'}:{os.environ['PATH']}")
    for program in ("made-up-gcc", "made-up-gcc-ar") if with_ar else ("made-up-gcc",):
        if compiler:
            put(world / "bin" / program, SCRIPT.format(compiler)).chmod(0o755)
    golden.check(GOLDENS / f"{name}.txt", said(world, '[toolchain]\ncc = "made-up-"\n'))


@pytest.mark.parametrize("machine", ["aarch64-linux-gnu", "aarch64-none-elf", "arm64-apple-none"])
def test_compilers_for_aarch64_are_good(world: Path, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{world / 'bin'}:{os.environ['PATH']}")
    for program in ("made-up-gcc", "made-up-gcc-ar"):
        put(world / "bin" / program, SCRIPT.format(f"echo {machine}")).chmod(0o755)
    assert said(world, '[toolchain]\ncc = "made-up-"\n') == ""


def test_a_relative_prefix_is_told(world: Path) -> None:
    text = said(world, '[toolchain]\ncc = "tools/aarch64-"\n')
    assert "8:6: error[SDF172]: the prefix 'tools/aarch64-' is a relative path" in text


def test_packages_of_debian_have_other_names_on_aarch64(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="aarch64"))
    text = said(world, '[toolchain]\ncc = "made-up-"\n')
    assert "Debian's packages gcc and libc6-dev have `aarch64-linux-gnu-`; or use `zig`\n" in text


def test_zig_that_is_not_installed_is_told(world: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    golden.check(GOLDENS / "zig_not_installed.txt", said(world, ""))
