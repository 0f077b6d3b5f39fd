"""Board files beside a Microkit SDK: what differs, what it fills in, and board files that begin with it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.describe import describe
from sdfgen.facts.sdk import SdkError, read_sdk
from sdfgen.faults.render import as_text

from .own import HERE, OWN, SYSTEM, put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

CONFIG: dict[str, Any] = {
    "SEL4_ARCH": "aarch64",
    "PLAT": "qemu-arm-virt",
    "ARM_CORTEX_A53": True,
    "ARM_PA_SIZE_BITS_40": True,
    "ARM_PA_SIZE_BITS_44": False,
    "ARM_HYPERVISOR_SUPPORT": True,
    "ARM_GIC_V3_SUPPORT": False,
    "ALLOW_SMC_CALLS": True,
    "MAX_NUM_NODES": "1",
    "EXPORT_PTMR_USER": True,
    "EXPORT_PCNT_USER": True,
    "NUM_DOMAINS": "16",
    "NUM_DOMAIN_SCHEDULES": "100",
}
PLATFORM = {
    "devices": [
        {"start": 0x0, "end": 0x0800_0000},
        {"start": 0x0800_1000, "end": 0x0801_0000},
        {"start": 0x0801_1000, "end": 0x0803_0000},
        {"start": 0x0803_1000, "end": 0x6000_0000},
        {"start": 0xC000_0000, "end": 0x100_0000_0000},
    ],
    "memory": [{"start": 0x6000_0000, "end": 0xC000_0000}],
}
RAW = f"""
[system]
name = "raw"
boards = ["{OWN}"]
microkit = "2.1.0"
[[protection_domain]]
name = "hello"
program_image = "hello.elf"
"""
BARE = '[board]\nsummary = "bare"\n'


def elf(start: int, size: int) -> bytes:
    """Return an ELF with one segment, as much as has an address."""
    head = struct.pack("<4sB27xQ14xHH6x", b"\x7fELF", 2, 64, 56, 1)
    return head + struct.pack("<IIQQQQQQ", 1, 7, 0, start, start, 0, size, 0x1000)


def make_sdk(
    folder: Path, *, platform: dict[str, Any] | None = None, cores: int = 4, kernel: int = 0x6000_0000, **config: object
) -> Path:
    for name, nodes in (("debug", 1), ("smp-debug", cores)):
        made = folder / "board" / OWN / name
        (made / "include" / "kernel").mkdir(parents=True)
        (made / "elf").mkdir()
        options = CONFIG | {"MAX_NUM_NODES": str(nodes)} | config
        (made / "include" / "kernel" / "gen_config.json").write_text(json.dumps(options, indent=4))
        (made / "platform_gen.json").write_text(json.dumps(PLATFORM | (platform or {})))
        (made / "elf" / "sel4.elf").write_bytes(elf(kernel, 0x24_4000))
        (made / "elf" / "loader.elf").write_bytes(elf(0x7000_0000, 0xC000))
    return folder


def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **sdk: Any) -> None:  # noqa: ANN401 - as make_sdk takes them
    make_sdk(tmp_path / "sdk", **sdk)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MICROKIT_SDK", "sdk")


def test_a_board_file_that_agrees_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside(tmp_path, monkeypatch)
    put(tmp_path, {})
    described = describe("system.toml")
    assert as_text(described.faults.sorted()) == ""
    assert described.systems[OWN].board.filled == ()


MORE_MEMORY = {"memory": [{"start": 0x6000_0000, "end": 0x8000_0000}, {"start": 0x9000_0000, "end": 0xC000_0000}]}
MORE_KEPT = {"devices": [{"start": 0, "end": 0x0700_0000}, *PLATFORM["devices"][1:]]}
OTHER_GIC = {"devices": [{"start": 0, "end": 0x0801_0000}, *PLATFORM["devices"][2:]]}
DIFFERENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "address_bits": ({}, {"ARM_PA_SIZE_BITS_40": False, "ARM_PA_SIZE_BITS_44": True}),
    "cores": ({}, {"cores": 2}),
    "gic_version": ({}, {"ARM_GIC_V3_SUPPORT": True}),
    "ram": ({}, {"platform": MORE_MEMORY}),
    "kept": ({}, {"platform": MORE_KEPT}),
    "distributor": ({}, {"platform": OTHER_GIC}),
    "kernel": ({}, {"kernel": 0x6020_0000}),
    "kernel_end": ({"edits": [['"2508 KiB"', '"2 MiB"']]}, {}),
    "loader": ({"edits": [["0x7000_0000", "0x8000_0000"]]}, {}),
    "timer_kept": ({}, {"EXPORT_PTMR_USER": False}),
    "timer_unused": ({"without": ["timer"]}, {}),
    "counter_kept": ({}, {"EXPORT_PCNT_USER": False}),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_is_a_fault_with_both_places(
    tmp_path: Path, name: str, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, sdk = DIFFERENT[name]
    beside(tmp_path, monkeypatch, **sdk)
    put(tmp_path, case)
    faults = describe("system.toml").faults.sorted()
    golden.check(HERE / "sdk" / f"{name}.txt", as_text(faults))
    assert [fault.code for fault in faults] == ["SDF127"]


def test_the_description_can_name_the_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sdk(tmp_path / "sdk", cores=2)
    monkeypatch.delenv("MICROKIT_SDK", raising=False)
    put(tmp_path, {}, f'{SYSTEM}[toolchain]\nmicrokit_sdk = "sdk"\n')
    assert [fault.code for fault in describe(str(tmp_path / "system.toml")).faults] == ["SDF127"]


@pytest.mark.parametrize(
    ("option", "word"), [("ARM_HYPERVISOR_SUPPORT", "virtual machines"), ("ALLOW_SMC_CALLS", "smc")]
)
def test_a_kernel_that_cannot_do_what_is_asked(
    tmp_path: Path, option: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside(tmp_path, monkeypatch, **{option: False})
    raw = RAW + 'smc = true\n[protection_domain.virtual_machine]\nname = "vm"\nvcpu = [{ id = 0 }]\n'
    put(tmp_path, {}, raw)
    found = [(fault.code, word in fault.message) for fault in describe("system.toml").faults if fault.code == "SDF128"]
    assert found == [("SDF128", True)]


SCHEDULED = """
[domains]
names = ["a", "b", "c"]
schedule = [{ domain = "a", duration = "1 us" }, { domain = "b", duration = "1 us" }]
"""


@pytest.mark.parametrize(
    ("version", "config", "options", "expected"),
    [
        ("2.3.0", "debug", {}, []),
        ("2.3.0", "debug", {"NUM_DOMAINS": "3", "NUM_DOMAIN_SCHEDULES": "3"}, []),
        ("2.3.0", "debug", {"NUM_DOMAINS": "2"}, ["SDF128: 3 domains: the SDK's kernel has room for 2"]),
        (
            "2.3.0",
            "debug",
            {"NUM_DOMAIN_SCHEDULES": "2"},
            ["SDF128: 2 schedule entries: the SDK's kernel has room for 1"],
        ),
        ("2.3.0", "smp-debug", {"NUM_DOMAINS": "1"}, ["SDF065: domains are for one core, and `smp-debug` runs on 4"]),
    ],
)
def test_a_kernel_with_room_for_fewer_domains(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    config: str,
    options: dict[str, str],
    expected: list[str],
) -> None:
    beside(tmp_path, monkeypatch, **options)
    raw = RAW.replace('microkit = "2.1.0"', f'microkit = "{version}"\nconfig = "{config}"')
    put(tmp_path, {}, raw.replace("[[protection_domain]]", SCHEDULED + "[[protection_domain]]") + 'domain = "a"\n')
    found = describe("system.toml").faults.sorted()
    assert [f"{fault.code}: {fault.message}" for fault in found] == expected


def test_what_a_board_file_leaves_out_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside(tmp_path, monkeypatch)
    put(tmp_path, {}, RAW)
    (tmp_path / "boards" / f"{OWN}.toml").write_text(BARE)
    described = describe("system.toml")
    assert as_text(described.faults.sorted()) == ""
    facts = described.systems[OWN].board.facts
    assert [(r.base, r.size) for r in facts.ram] == [(0x6000_0000, 0x6000_0000)]
    assert [(r.base, r.size) for r in facts.reserved] == [(a, 0x1000) for a in (0x0800_0000, 0x0801_0000, 0x0803_0000)]
    assert (facts.board.physical_address_bits, facts.board.cores) == (40, 4)
    assert facts.kernel is not None
    assert facts.kernel.base == 0x6000_0000
    assert facts.kernel.reserve >= 0x24_4000
    environment = os.environ | {"MICROKIT_SDK": str(tmp_path / "sdk")}
    of_board = ("lib/libmicrokit.a", "lib/microkit.ld", "include/microkit.h")
    for path in ("VERSION", "bin/microkit", *(f"board/{OWN}/debug/{name}" for name in of_board)):
        (tmp_path / "sdk" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sdk" / path).write_text("2.1.0")
    tool = tmp_path / "sdk" / "bin" / "microkit"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    words = [sys.executable, "-m", "sdfgen", "build", "system.toml"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    manifest = json.loads((tmp_path / "build" / OWN / "manifest.json").read_text())
    keys = {record["key"]: record["from"] for record in manifest["board_facts_of_sdk"]}
    assert keys == {
        "ram": f"MICROKIT_SDK/board/{OWN}/debug/platform_gen.json",
        "reserved": f"MICROKIT_SDK/board/{OWN}/debug/platform_gen.json",
        "kernel": f"MICROKIT_SDK/board/{OWN}/debug/elf/sel4.elf",
        "board.physical_address_bits": f"MICROKIT_SDK/board/{OWN}/debug/include/kernel/gen_config.json",
        "board.cores": f"MICROKIT_SDK/board/{OWN}/smp-debug/include/kernel/gen_config.json",
    }
    assert f"MICROKIT_SDK/board/{OWN}/debug/platform_gen.json" in {record["file"] for record in manifest["inputs"]}


def test_the_gic_version_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside(tmp_path, monkeypatch)
    put(tmp_path, {"edits": [["version = 2", ""]]})
    described = describe("system.toml")
    assert as_text(described.faults.sorted()) == ""
    assert described.systems[OWN].board.gic.version == 2


def test_without_an_sdk_nothing_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROKIT_SDK", raising=False)
    put(tmp_path, {}, RAW)
    (tmp_path / "boards" / f"{OWN}.toml").write_text(f"{BARE}[gic]\ndistributor = 0\ndistributor_size = 0x1000\n")
    faults = describe(str(tmp_path / "system.toml")).faults
    missing = ["`ram` is", "`physical_address_bits` is", "`cores` is", "`version` is"]
    assert all(any(word in fault.message for fault in faults) for word in missing)
    assert {fault.code for fault in faults} == {"SDF005"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("include/kernel/gen_config.json", "{"),
        ("include/kernel/gen_config.json", "[]"),
        ("platform_gen.json", '{"memory": [{"start": 0}]}'),
        ("platform_gen.json", '{"memory": 3}'),
    ],
)
def test_a_broken_sdk_is_told(tmp_path: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    beside(tmp_path, monkeypatch)
    (tmp_path / "sdk" / "board" / OWN / "debug" / name).write_text(text)
    with pytest.raises(SdkError):
        read_sdk("sdk", OWN, "debug")
    put(tmp_path, {})
    assert [fault.code for fault in describe("system.toml").faults] == ["SDF101"]


def test_an_elf_that_is_none_has_no_address(tmp_path: Path) -> None:
    make_sdk(tmp_path / "sdk")
    (tmp_path / "sdk" / "board" / OWN / "debug" / "elf" / "sel4.elf").write_bytes(b"\x7fELF")
    (tmp_path / "sdk" / "board" / OWN / "debug" / "elf" / "loader.elf").write_bytes(b"x" * 200)
    sdk = read_sdk(str(tmp_path / "sdk"), OWN, "debug")
    assert sdk is not None
    assert (sdk.kernel, sdk.loader_address) == (None, None)


def sdfgen(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MICROKIT_SDK"}
    command = [sys.executable, "-m", "sdfgen", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("gic_v3", [False, True])
def test_a_begun_board_file_builds_a_raw_system(
    tmp_path: Path, gic_v3: bool, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside(tmp_path, monkeypatch, ARM_GIC_V3_SUPPORT=gic_v3)
    done = sdfgen("board", OWN, "--sdk", "sdk")
    assert (done.returncode, done.stderr) == (0, "")
    golden.check(HERE / "sdk" / f"begun_gic_v{3 if gic_v3 else 2}.toml", done.stdout)
    assert {"board", "kernel", "ram", "window", "reserved", "timer"} == set(tomllib.loads(done.stdout))
    put(tmp_path, {}, RAW)
    (tmp_path / "boards" / f"{OWN}.toml").write_text(done.stdout)
    built = sdfgen("build", "system.toml")
    assert (built.returncode, built.stderr) == (0, "")
    assert as_text(describe("system.toml").faults.sorted()) == ""  # with the SDK, which agrees


WRONG = {
    "no_such_board": (("board", "min", "--sdk", "sdk"), 1, "the SDK has no board 'min' (did you mean `mine`?)"),
    "no_sdk": (("board", OWN, "--sdk", "boards"), 1, "boards is no Microkit SDK"),
    "no_such_config": (("board", OWN, "--sdk", "sdk", "--config", "debg"), 1, "did you mean `debug`?"),
    "sdk_missing": (("board", OWN), 2, "Missing option '--sdk'"),
    "name_missing": (("board", "--sdk", "sdk"), 2, "Missing argument 'NAME'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_begun_is_one_line(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words, status, said = WRONG[name]
    beside(tmp_path, monkeypatch)
    done = sdfgen(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert status == 2 or done.stderr.count("\n") == 1


def test_another_architecture_has_no_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside(tmp_path, monkeypatch, SEL4_ARCH="riscv64")
    done = sdfgen("board", OWN, "--sdk", "sdk")
    assert (done.returncode, done.stderr) == (1, f"sdfgen: {OWN} is riscv64, and only AArch64 has facts here\n")
    (tmp_path / "system.toml").write_text(RAW)
    (fault,) = describe("system.toml").faults
    assert fault.message == f"board `{OWN}` is riscv64, and only AArch64 has facts here"


@pytest.mark.parametrize(
    ("board", "said"),
    [
        ("qemu_virt_riscv64", "board `qemu_virt_riscv64` is riscv64, and only AArch64 has facts here"),
        ("x86_64_generic", "board `x86_64_generic` is x86_64, and only AArch64 has facts here"),
        ("imx8mm_evk", "unknown board `imx8mm_evk`"),
    ],
)
def test_a_board_without_a_file_is_one_message(
    tmp_path: Path, board: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MICROKIT_SDK", raising=False)
    (tmp_path / "system.toml").write_text(RAW.replace(OWN, board))
    (fault,) = describe(str(tmp_path / "system.toml")).faults
    assert fault.message == said
    assert "known boards: odroidc4, qemu_virt_aarch64" in fault.advice
    assert (f"`sdfgen board {board} --sdk DIR`" in fault.advice) == said.startswith("unknown")


def test_a_board_for_native_domains_alone_builds(tmp_path: Path) -> None:
    put(tmp_path, {}, RAW)
    ram = '[[ram]]\nbase = 0\nsize = 0x7ff0_0000\n[kernel]\nbase = 0\nreserve = "4 MiB"\n'
    (tmp_path / "boards" / f"{OWN}.toml").write_text(f"{BARE}physical_address_bits = 40\ncores = 4\n{ram}")
    done = sdfgen("build", str(tmp_path / "system.toml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "build" / OWN / "raw.system").is_file()
