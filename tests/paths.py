"""Where things lie that several tests use."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
BOARDS = ROOT / "boards"
EXAMPLE = ROOT / "examples" / "two-clients" / "system.toml"
FOUR_CORES = ROOT / "examples" / "four-cores" / "system.toml"
FAULTS = TESTS / "faults"
FUZZ = TESTS / "fuzz"
GOLDENS = TESTS / "goldens"
SYSTEMS = TESTS / "systems"
