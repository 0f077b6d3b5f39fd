from __future__ import annotations

import time
from typing import TYPE_CHECKING

from patcher import PatchRequest, patch_file, read_values

if TYPE_CHECKING:
    from pathlib import Path


def test_twenty_thousand_values_take_one_pass(many: Path, tmp_path: Path) -> None:
    """One look-up per symbol would visit 400 million entries: minutes, not the second allowed per pass."""
    target = str(tmp_path / "patched")
    values = {f"value_{number}": number * 3 for number in range(20_000)}
    started = time.process_time()
    patch_file(str(many), target, [PatchRequest(symbol, value) for symbol, value in values.items()])
    assert read_values(target, values) == values
    assert time.process_time() - started < 20


def test_a_large_input_is_not_held_in_memory(many: Path, tmp_path: Path) -> None:
    import tracemalloc

    large, target = tmp_path / "large", str(tmp_path / "patched")
    large.write_bytes(many.read_bytes() + bytes(32 << 20))
    patch_file(str(many), str(tmp_path / "first"), [PatchRequest("value_7", 1)])
    tracemalloc.start()
    try:
        patch_file(str(large), target, [PatchRequest("value_7", 1)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
