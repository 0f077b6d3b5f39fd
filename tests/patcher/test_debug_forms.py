"""Debug information of every kind that compilers here make: read, or told what it is; plain symbols always work."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from patcher import PatchError, PatchRequest, describe_type, plan_file, read_values
from tests.patcher.building import SECTION, SOURCES, Elf

PATH = "config.clients[1].base"
SHF_COMPRESSED = 0x800
FLAGS = ("-ffreestanding", "-nostdlib", "-static", "-O1")
NO_TYPES = "debug information has no types, as -g1 leaves them out; compile with -g"
SPLIT = "debug information about `config` is split off into `{dwo}`; compile without -gsplit-dwarf"

READ = {
    "gcc": (
        "-g -gdwarf-2",
        "-g -gdwarf-3",
        "-gdwarf-4",
        "-gdwarf-5",
        "-gdwarf-4 -fdebug-types-section",
        "-gdwarf-5 -fdebug-types-section",
        "-g -gz=zlib",
        "-g -gz=zlib-gnu",
        "-g -flto",
        "-g -fPIE -static-pie",
    ),
    "clang": (
        "-gdwarf-2",
        "-gdwarf-4",
        "-gdwarf-5",
        "-gdwarf-4 -fdebug-types-section",
        "-gdwarf-5 -fdebug-types-section",
        "-g -gz=zlib",
        "-g -O2 -ffunction-sections",
        "-g -flto -fuse-ld=lld",
    ),
    "zig": ("-gdwarf-4", "-gdwarf-5", "-g -fdebug-types-section"),
}
TOLD = {
    "gcc": {
        "-g0": "the file has no debug information; compile with -g, and do not strip it",
        "-g1": NO_TYPES,
        "-gdwarf-4 -gsplit-dwarf": SPLIT,
        "-gdwarf-5 -gsplit-dwarf": SPLIT,
    },
    "clang": {
        "-g0": "the file has no debug information; compile with -g, and do not strip it",
        "-g1": NO_TYPES,
        "-gdwarf-4 -gsplit-dwarf": SPLIT,
        "-gdwarf-5 -gsplit-dwarf": SPLIT,
    },
    "zig": {"-g1": NO_TYPES},
}


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = getattr(request.config, "cache", None)
    return Path(cache.mkdir("debug_forms")) if cache else tmp_path_factory.mktemp("debug_forms")


def compiled(folder: Path, compiler: str, options: str) -> Path:
    """Compile shapes.c, once per source and options."""
    command = [shutil.which(compiler) or compiler]
    if compiler == "zig":
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-freestanding"]
    elif not Path(command[0]).exists():
        pytest.skip(f"{compiler} is not installed")
    source = SOURCES / "shapes.c"
    name = hashlib.sha256(repr((command, options)).encode() + source.read_bytes()).hexdigest()[:16]
    built = folder / name
    if not built.exists():
        words = [*command, *FLAGS, *options.split(), str(source), "-o", name]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode and "ld" in done.stderr and "cannot find" in done.stderr:
            pytest.skip(f"{compiler} has no linker for {options}")
        assert done.returncode == 0, done.stderr
    return built


def test_the_forms_are_what_they_are_called(folder: Path) -> None:
    """A compiler that ignores an option would let its case pass for another one."""
    sections = {options: Elf(compiled(folder, "gcc", options)) for options in READ["gcc"]}
    assert ".debug_types" in sections["-gdwarf-4 -fdebug-types-section"].sections()
    assert ".zdebug_info" in sections["-g -gz=zlib-gnu"].sections()
    packed = sections["-g -gz=zlib"]
    assert packed.get(SECTION, packed.sections()[".debug_info"], "flags") & SHF_COMPRESSED


def cases(table: dict[str, tuple[str, ...]] | dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    return [(compiler, options) for compiler, several in table.items() for options in several]


@pytest.mark.parametrize(("compiler", "options"), cases(READ))
def test_what_can_be_read_is_read(folder: Path, compiler: str, options: str) -> None:
    path = compiled(folder, compiler, options)
    start = Elf(path).vaddr("config")
    (base, name) = plan_file(str(path), [PatchRequest(PATH, 1, 8), PatchRequest("config.clients[0].name", "x", None)])
    assert (base.vaddr - start, len(base.new)) == (72, 8)
    assert (name.vaddr - start, name.new) == (64, b"x" + bytes(7))
    assert read_values(str(path), ["config.magic"]) == {"config.magic": "CFG"}
    assert len(describe_type(str(path), "config")) == 2 * 11 + 6 + 6 + 1 + 2 + 1


@pytest.mark.parametrize(("compiler", "options"), cases(TOLD))
def test_what_cannot_be_read_is_told_and_blocks_no_plain_symbol(folder: Path, compiler: str, options: str) -> None:
    path = compiled(folder, compiler, options)
    dwo = f"{path.name}-shapes.dwo" if compiler == "gcc" else "shapes.dwo"
    with pytest.raises(PatchError) as caught:
        plan_file(str(path), [PatchRequest(PATH, 1, 8)])
    reason = TOLD[compiler][options].format(dwo=dwo)
    assert str(caught.value) == f"{path}: error[PATCH022]: the type of `{PATH}` cannot be read: {reason}"
    assert caught.value.blame == "file"
    (record,) = plan_file(str(path), [PatchRequest("alone", 7, 4)])
    assert record.old == bytes([5, 0, 0, 0])
    assert read_values(str(path), ["alone"]) == {"alone": 5}


def recompressed(source: Path, tmp_path: Path) -> Path:
    """Let GNU objcopy compress debug sections with zstd."""
    tool = shutil.which("objcopy")
    path = tmp_path / "zstd"
    command = [tool or "objcopy", "--compress-debug-sections=zstd", str(source), str(path)]
    done = subprocess.run(command, check=False, capture_output=True) if tool else None
    if done is None or done.returncode:
        pytest.skip("no objcopy here compresses with zstd")
    return path


def test_sections_compressed_with_zstd(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a library that knows zstd they are read; here the zstd program stands in for it."""
    path = recompressed(compiled(folder, "gcc", "-gdwarf-5"), tmp_path)
    for name in ("compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PatchError) as caught:
        plan_file(str(path), [PatchRequest(PATH, 1, 8)])
    assert caught.value.message == (
        f"the type of `{PATH}` cannot be read: debug sections are compressed with zstd, which this Python cannot read;"
        " compile with -gz=none or -gz=zlib, or install zstandard"
    )
    assert len(plan_file(str(path), [PatchRequest("alone", 7, 4)])) == 1
    tool = shutil.which("zstd")
    if not tool:
        pytest.skip("zstd is not installed")
    library = ModuleType("zstandard")

    def decompress(data: bytes) -> bytes:
        return subprocess.run([tool, "-dc"], input=data, check=True, capture_output=True).stdout

    monkeypatch.setattr(library, "decompress", decompress, raising=False)
    monkeypatch.setitem(sys.modules, "zstandard", library)
    assert read_values(str(path), ["config.magic"]) == {"config.magic": "CFG"}


def test_an_unknown_compression(folder: Path, tmp_path: Path) -> None:
    elf = Elf(compiled(folder, "gcc", "-g -gz=zlib"))
    start = elf.get(SECTION, elf.sections()[".debug_info"], "offset")
    elf.data[start] = 9
    path = tmp_path / "odd"
    path.write_bytes(elf.data)
    with pytest.raises(PatchError) as caught:
        plan_file(str(path), [PatchRequest(PATH, 1, 8)])
    reason = "debug sections are compressed in an unknown way (9); compile with -gz=none or -gz=zlib"
    assert caught.value.message == f"the type of `{PATH}` cannot be read: {reason}"


@pytest.mark.parametrize("section", [".debug_info", ".debug_abbrev"])
def test_debug_information_that_is_damaged_is_no_unsound_file(folder: Path, tmp_path: Path, section: str) -> None:
    elf = Elf(compiled(folder, "zig", "-gdwarf-5"))
    start = elf.get(SECTION, elf.sections()[section], "offset")
    elf.data[start : start + 64] = b"\xfe" * 64
    path = tmp_path / "damaged"
    path.write_bytes(elf.data)
    with pytest.raises(PatchError) as caught:
        plan_file(str(path), [PatchRequest(PATH, 1, 8)])
    assert caught.value.code == "PATCH022"
    assert caught.value.message.startswith(f"the type of `{PATH}` cannot be read: debug information cannot be read (")
    assert len(plan_file(str(path), [PatchRequest("alone", 7, 4)])) == 1
