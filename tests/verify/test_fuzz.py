"""No made file, however broken, ends in a traceback, and none is taken for what was built.

`SDFGEN_FUZZ=10000 pytest tests/verify/test_fuzz.py` runs longer.
"""

from __future__ import annotations

import json
import os
import traceback
from random import Random
from typing import TYPE_CHECKING

import pytest

from sdfgen.faults.render import FORMATS
from tests.verify.built import QEMU, faults, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.verify.built import Project

COUNT = int(os.environ.get("SDFGEN_FUZZ", "200"))
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "x">'
    + b"".join(
        f'<!ENTITY a{n} "{"&a" + str(n - 1) + ";" if n > 1 else "&a;"}{"&a;" * 50}">'.encode() for n in range(1, 20)
    )
    + b"]><system>&a19;</system>"
)


def cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def headless(random: Random, data: bytes) -> bytes:
    return data[random.randrange(len(data) + 1) :]


def flipped(random: Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 20])):
        made[random.randrange(len(made))] ^= 1 << random.randrange(8)
    return bytes(made)


def noise(random: Random, data: bytes) -> bytes:
    return random.randbytes(random.choice([1, 16, len(data)]))


def grown(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice([b"\0", b"\xff", b"{", b"<", b"&a;", b"0", b"\n" * 3, data[:100]]) + data[at:]


def thinned(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + data[at + random.choice([1, 4, 40, 400]) :]


def renumbered(random: Random, data: bytes) -> bytes:
    digits = [at for at, byte in enumerate(data) if byte in b"123456789"]
    if not digits:
        return b""
    at = random.choice(digits)
    return data[:at] + b"9" * random.choice([1, 2, 30]) + data[at + 1 :]


def other(random: Random, _: bytes) -> bytes:
    shapes = [b"", b"\n", b"null", b"[]", b"{}", b"[" * 5000, b'{"outputs": 1, "inputs": {}}', b"NaN", BOMB]
    shapes += [json.dumps({name: [{"file": 1, "sha256": []}] for name in ("inputs", "outputs")}).encode()]
    shapes += [b"\xd0\x0d\xfe\xed" + b"\xff" * 60, b"\x7fELF" + b"\xff" * 60, b"\x7fELF\2\1\1" + bytes(100)]
    return random.choice(shapes)


MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    *(cut, cut, headless, flipped, flipped, flipped, noise, grown, thinned, renumbered, renumbered, other),
)


def made_files(board: Path) -> list[str]:
    manifest = json.loads((board / "manifest.json").read_text())
    return ["manifest.json", *(record["file"] for record in manifest["outputs"])]


@pytest.mark.parametrize("project", ["example", "full"])
def test_broken_files_are_told(
    project: str, projects: dict[str, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = projects[project].copied(tmp_path)
    monkeypatch.chdir(folder.folder)
    board = folder.board(QEMU)
    names = made_files(board)
    # Each mutant of C is compiled: a few of them will do.
    slow = {name for name in names if name.startswith(("src/", "include/"))}
    for number in range(COUNT // 2):
        random = Random(number)  # noqa: S311 - repeatable, not secret
        name = random.choice(names if number % 5 == 0 else [name for name in names if name not in slow])
        path = board / name
        before = path.read_bytes()
        after = random.choice(MUTATIONS if before else (grown, other))(random, before)
        if after == before:
            continue
        replace(path, after)
        try:
            found = faults(QEMU)
            texts = {style: show(found) for style, show in FORMATS.items()}
        except Exception:  # noqa: BLE001 - the point of this test
            pytest.fail(f"mutant {number}, {name}:\n{traceback.format_exc()}")
        assert found, f"mutant {number} of {name} was taken for what was built"
        assert len(json.loads(texts["json"])["faults"]) == len(found)
        for fault in found:
            assert 1 <= fault.place.line <= fault.where.source.text.count("\n") + 1, (number, name, fault)
        replace(path, before)
