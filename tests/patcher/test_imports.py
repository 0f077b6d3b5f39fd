"""Start-up is a feature: libraries are loaded by the step that needs them and by no other."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SHOW = "; import sys; print(*sorted({name.partition('.')[0] for name in sys.modules} & {'lief', 'elftools', 'click'}))"
PLAN = "from patcher import *; r = [PatchRequest('base_a', 7)]; p = sys.argv[1]; "


def loaded(code: str, *arguments: object) -> set[str]:
    command = [sys.executable, "-c", "import sys; " + code + SHOW, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_package_loads_no_library() -> None:
    assert loaded("import patcher") == set()


def test_the_command_line_loads_click_only() -> None:
    assert loaded("import patcher.cli") == {"click"}


@pytest.mark.parametrize("code", ["plan_file(p, r)", "read_values(p, ['base_a'])"])
def test_reading_loads_no_lief(static: Path, code: str) -> None:
    assert loaded(PLAN + code, static) == {"elftools"}


def test_a_patch_loads_lief_only_when_there_is_work(copy: Path) -> None:
    patch = PLAN + "patch_file(p, p, r)"
    assert loaded(patch, copy) == {"elftools", "lief"}
    assert loaded(patch, copy) == {"elftools"}
    assert loaded(PLAN + "verify_file(p, r)", copy) == {"elftools"}


def test_a_patch_to_another_file_loads_lief_only_when_there_is_work(static: Path, tmp_path: Path) -> None:
    patch = PLAN + "patch_file(p, sys.argv[2], r)"
    assert loaded(patch, static, tmp_path / "patched") == {"elftools", "lief"}
    assert loaded(patch, static, tmp_path / "patched") == {"elftools"}


def test_a_refused_patch_loads_no_lief(static: Path) -> None:
    refused = "try: patch_file(sys.argv[1], sys.argv[1], [PatchRequest('zero', 1)])\nexcept PatchError: pass\n"
    assert loaded("from patcher import *\n" + refused + "pass", static) == {"elftools"}


@pytest.mark.parametrize("option", ["--dry-run", "--verify-only"])
def test_commands_that_only_read_load_no_lief(static: Path, option: str) -> None:
    command = "from patcher.cli import command; command(sys.argv[1:], standalone_mode=False)"
    assert loaded(command, static, option, "small=9:4") == {"click", "elftools"}
