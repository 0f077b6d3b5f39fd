"""The command line of every benchmark: how often, which parts, and where the figures go."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ROOT, place

if TYPE_CHECKING:
    from collections.abc import Iterable


def arguments(description: str, rounds: int, parts: Iterable[str]) -> argparse.Namespace:
    """Read the command line, and make the folder for what is measured.

    Args:
        description: What the program says of itself.
        rounds: Measured rounds unless told.
        parts: Names of its parts; `only` has those that are wanted, all of them unless told.
    """
    known = list(parts)
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help="measured rounds (default %(default)s)")
    parser.add_argument("--only", action="append", choices=known, help="only this part; may be repeated")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file too")
    options = parser.parse_args()
    options.only = options.only or known
    os.makedirs(os.path.join(ROOT, place()), exist_ok=True)
    return options


def save(path: str | None, report: dict[str, Any]) -> None:
    """Write the figures, if that was asked for.

    Args:
        path: The file, or None.
        report: What was measured.
    """
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
