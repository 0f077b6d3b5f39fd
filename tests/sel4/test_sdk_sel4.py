"""What our board files say, beside the kernels of a real Microkit SDK: each fact is in both, and they agree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.describe import describe
from sdfgen.facts.sdk import configs_of, read_sdk
from sdfgen.rules.board_sdk import differences

from .trial import needed

if TYPE_CHECKING:
    from sdfgen.facts.sdk import Sdk

pytestmark = pytest.mark.sel4

BOARDS: Final = ("qemu_virt_aarch64", "odroidc4")
SYSTEM: Final = """
[system]
name = "raw"
boards = ["{board}"]
[[protection_domain]]
name = "hello"
program_image = "hello.elf"
"""
PTMR: Final = {"qemu_virt_aarch64": True, "odroidc4": False}


def facts(board: str) -> dict[str, Sdk]:
    """The facts of an SDK in each of its configurations."""
    needed(lambda: None)
    folder = os.environ["MICROKIT_SDK"]
    found = {config: read_sdk(folder, board, config) for config in configs_of(folder, board)}
    return {config: sdk for config, sdk in found.items() if sdk is not None}


@pytest.mark.parametrize("board", BOARDS)
def test_board_files_agree_with_every_configuration(board: str, tmp_path: Path) -> None:
    found = facts(board)
    assert {"debug", "release", "benchmark"} <= found.keys()
    (tmp_path / "system.toml").write_text(SYSTEM.format(board=board))
    ours = describe(str(tmp_path / "system.toml")).systems[board].board
    assert ours.filled == ()
    for config, sdk in found.items():
        assert [fault.message for fault in differences(ours, sdk)] == [], config


@pytest.mark.parametrize("board", BOARDS)
def test_an_sdk_has_every_fact_that_is_compared(board: str) -> None:
    version = Path(os.environ.get("MICROKIT_SDK", ""), "VERSION")
    for config, sdk in facts(board).items():
        is_later = not version.read_text().startswith("2.0.")
        assert (sdk.address_bits, sdk.gic_version) == (40, 2), config
        assert sdk.cores == (4 if is_later else None), config
        assert sdk.number("MAX_NUM_NODES") == (4 if config.startswith("smp-") else 1), config
        assert sdk.option("ENABLE_SMP_SUPPORT") is config.startswith("smp-"), config
        assert sdk.option("ALLOW_SMC_CALLS") is is_later, config
        assert sdk.option("EXPORT_PTMR_USER") is PTMR[board], config
        assert sdk.option("EXPORT_PCNT_USER") is True, config
        assert sdk.option("ARM_HYPERVISOR_SUPPORT") is True, config
        domains = 16 if is_later and sdk.number("MAX_NUM_NODES") == 1 else 1
        assert sdk.number("NUM_DOMAINS") == domains, config
        assert sdk.memory, config
        assert sdk.kept(), config
        assert sdk.kernel is not None, config
        assert sdk.loader_address is not None, config
