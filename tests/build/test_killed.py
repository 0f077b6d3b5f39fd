"""A few of the builds that `python -m tests.build.killed` kills by the thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.build import killed

if TYPE_CHECKING:
    from pathlib import Path


def test_killed_builds_leave_whole_outputs(tmp_path: Path) -> None:
    assert len(killed.kill_many(tmp_path, 8, seed=1)) == 8


def test_what_is_not_whole_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tear(folder: Path, *_: object) -> float:
        (folder / "build" / killed.BOARD / "killed.system").write_bytes(b"half")
        return 0.0

    monkeypatch.setattr(killed, "kill_one", tear)
    with pytest.raises(killed.BrokenError, match="not whole"):
        killed.kill_many(tmp_path, 1, seed=1)
