"""Breaks descriptions in every way we could think of, the same way for the same seed."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from sdfgen.schema.readers import ListOf
from sdfgen.schema.table import One, Table
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Raw(str):
    """TOML text of a value, written as it stands."""

    __slots__ = ()


def _known_keys(table: type[Table], seen: set[type[Table]]) -> Iterator[str]:
    seen.add(table)
    for name, key in table.keys.items():
        yield name
        reader = key.reader.item if isinstance(key.reader, ListOf) else key.reader
        if isinstance(reader, One) and reader.table not in seen:
            yield from _known_keys(reader.table, seen)


OLD_KEYS = (
    "client",
    "cpu",
    "driver",
    "kind",
    "image",
    "vm_priority",
    "vm_budget",
    "vm_period",
    "queue_capacity",
    "domain",
)

KEYS = sorted(
    {*_known_keys(register.spec(), set()), *OLD_KEYS, "include", "board", "ioport", "pcidev", "io_address_space"}
)

NUMBERS = [0, 1, -1, 2, 61, 62, 63, 64, 254, 255, 256, 4095, 4096, 4097, 0x20_0000, 2**31, 2**32, 2**40, 2**44]
NUMBERS += [2**52, 2**63 - 1, 2**63, 2**64 - 4096, 2**64 - 1, 2**64, -(2**63), 10**30, 0x4000_0000, 0x8000_0000]

VALUES: list[Any] = [
    *(
        Raw(text)
        for text in ("nan", "inf", "-inf", "1e308", "1e999", "-0.0", "0x" + "f" * 5000, "9" * 5000, "1" + "0" * 4000)
    ),
    *(Raw(text) for text in ("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27T00:32:00.999999-07:00")),
    *(
        Raw(text)
        for text in ("0b1111_0000", "0o755", "1_000", "'''\nlit\n'''", '"""\n  multi \\\n line"""', "[[[[]]]]", "{}")
    ),
    *(Raw("[" * depth + "]" * depth) for depth in (30, 63, 64, 65, 200, 3000)),
    Raw("{ a = " * 40 + "1" + " }" * 40),
    *(
        "",
        " ",
        "?",
        "\0",
        "\x1b[31mred",
        "a\nb",
        "a\r\nb",
        "\u2028",
        "\x7f",
        "名前",
        "e\u0301",
        "\U0001f600",
        "\u202eabc",
    ),
    *("x" * 16, "x" * 64, "x" * 10_000, "../../etc/passwd", "/dev/zero", "/", ".", "parts", "a/b", "a b", "monitor"),
    *("0", "1 TiB", "99999999999999999999 TiB", "1 kb", "0x", "0x_", "1_", "-1", "1.5 MiB", "٣", "2 MiB ", "4 KiB"),
    *("phys_addr('shared')", "size('x')", "1 // 0", "1 << 64 << 64", "irq('vmm', 1e9)", "(" * 400 + "1" + ")" * 400),
    *(
        "__import__('os')",
        "1 is 2",
        "'\\d'",
        "-1",
        "+".join(["1"] * 499),
        "channel('a', 'b') | vaddr('c', 'd')",
        "lambda: 0",
    ),
    *(
        "storage",
        "client1",
        "disk",
        "block",
        "main",
        "0",
        "logs",
        "guest",
        "learned",
        "prefilled",
        "assigned",
        "run-time",
        "tcb",
        "sc",
        "vspace",
        "edge",
        "level",
        "fdt",
    ),
    *(
        "1.4.1",
        "2.0.1",
        "2.1.0",
        "2.2.0",
        "2.3.0",
        "2.0",
        "debug",
        "smp-release",
        "smp-debug",
        "qemu_virt_aarch64",
        "odroidc4",
    ),
    *(
        "r",
        "w",
        "x",
        "rw",
        "rwx",
        "wx",
        "rrr",
        "100 us",
        "5 ticks",
        "0 us",
        "1 s",
        "virtio_mmio0",
        "bus1",
        "sd",
        "gic_vcpu",
    ),
    *(
        [],
        {},
        [1, "a"],
        [0, 3],
        [2, 2, 2],
        [0, 1, 2, 3, 4],
        [[]],
        [{}],
        {"a": 1},
        {"name": "x"},
        {"pd": "x", "id": 3},
        {"block": "main", "partition": 1},
        True,
        False,
        1.5,
    ),
]

INCLUDES: list[Any] = [
    *(["m.toml"], [""], ["."], ["/dev/zero"], ["/dev/null"], ["\0"], ["a" * 5000], [1], {}, "x", [[]], ["shared.toml"]),
    *(
        ["parts"] * 3,
        ["shared.toml", "shared.toml"],
        ["../parts/cycle.toml"],
        ["raw.toml"],
        ["block.toml"],
        ["parts/Image"],
        ["~"],
        ["\U0001f600"],
    ),
]


def _places(value: object) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key or index) below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


def _pick(random: Random, tree: dict[str, Any]) -> tuple[Any, Any]:
    if not tree:
        tree["system"] = {}
    return random.choice(list(_places(tree)))


def _delete(random: Random, tree: dict[str, Any]) -> None:
    container, key = _pick(random, tree)
    if isinstance(container, list):
        container.pop(key)
    else:
        container.pop(key, None)


def _rename(random: Random, tree: dict[str, Any]) -> None:
    container, key = _pick(random, tree)
    if isinstance(container, dict) and key in container:
        at = random.randrange(len(key) + 1)
        new = random.choice(
            [key[:at] + key[at + 1 :], key[:at] + "_" + key[at:], key.upper(), random.choice(KEYS), "é\n", ""]
        )
        container[new] = container.pop(key)


def _replace(random: Random, tree: dict[str, Any]) -> None:
    container, key = _pick(random, tree)
    container[key] = copy.deepcopy(random.choice(VALUES))


def _renumber(random: Random, tree: dict[str, Any]) -> None:
    places = [(c, k) for c, k in _places(tree) if isinstance(c[k], int)]
    if places:
        container, key = random.choice(places)
        value = int(container[key])
        container[key] = random.choice(
            [*NUMBERS, value + 1, value - 1, value * 2, -value, value ^ 1 << random.randrange(64)]
        )


def _resize(random: Random, tree: dict[str, Any]) -> None:
    container, key = _pick(random, tree)
    unit = random.choice(["B", "KiB", "MiB", "GiB", "TiB"])
    container[key] = f"{random.choice([0, 1, 2, 3, 4, 6, 12, 64, 100, 513, 1023])} {unit}"


def _cross(random: Random, tree: dict[str, Any]) -> None:
    container, key = _pick(random, tree)
    other, other_key = _pick(random, tree)
    container[key] = copy.deepcopy(other[other_key])


def _add(random: Random, tree: dict[str, Any]) -> None:
    tables = [tree, *(c[k] for c, k in _places(tree) if isinstance(c[k], dict))]
    other, other_key = _pick(random, tree)
    value = random.choice([random.choice(VALUES), random.choice(NUMBERS), other[other_key]])
    random.choice(tables)[random.choice(KEYS)] = copy.deepcopy(value)


def _repeat(random: Random, tree: dict[str, Any]) -> None:
    lists = [c[k] for c, k in _places(tree) if isinstance(c[k], list) and c[k]]
    if lists:
        chosen = random.choice(lists)
        item = random.choice(chosen)
        chosen.extend(copy.deepcopy(item) for _ in range(random.choice([1, 1, 1, 2, 10, 70])))


def _shuffle(random: Random, tree: dict[str, Any]) -> None:
    for container, key in list(_places(tree)):
        if isinstance(container[key], list):
            random.shuffle(container[key])


def _include(random: Random, tree: dict[str, Any]) -> None:
    tree["include"] = copy.deepcopy(random.choice(INCLUDES))


STRUCTURAL: list[Callable[[Random, dict[str, Any]], None]] = [
    *(_delete, _rename, _replace, _replace, _renumber, _renumber, _resize, _cross, _add, _repeat, _shuffle, _include),
]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: object) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _quoted(value) if isinstance(value, str) else str(value)


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _quoted(name)


def dump(table: dict[str, Any], random: Random, path: tuple[str, ...] = ()) -> str:
    """Write a tree as TOML; whether tables get headers or stand inline is up to chance."""
    lines, below = [], []
    for name, value in table.items():
        where = (*path, name)
        header = ".".join(map(_key, where))
        if isinstance(value, dict) and value and random.random() < 0.9:
            below.append(f"[{header}]\n" + dump(value, random, where))
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value) and random.random() < 0.9:
            below += [f"[[{header}]]\n" + dump(item, random, where) for item in value]
        elif isinstance(value, dict) and value and random.random() < 0.5:
            lines += [f"{_key(name)} . {_key(k)} = {_inline(v)}\n" for k, v in value.items()]
        elif isinstance(value, list) and random.random() < 0.3:
            lines.append(f"{_key(name)} = [\n" + "".join(f"  {_inline(v)},  # [\n" for v in value) + "]\n")
        else:
            lines.append(f"{_key(name)} = {_inline(value)}\n")
    return "".join(lines + below)


def _flip(random: Random, data: bytearray) -> None:
    for _ in range(random.choice([1, 1, 2, 20])):
        data[random.randrange(len(data))] = random.randrange(256)


def _truncate(random: Random, data: bytearray) -> None:
    del data[random.randrange(len(data)) :]


def _line_ends(_: Random, data: bytearray) -> None:
    data[:] = data.replace(b"\n", b"\r\n")


def _insert(random: Random, data: bytearray) -> None:
    at = random.randrange(len(data) + 1)
    junk = [
        b"\0",
        b"\r",
        b"\t",
        b"\xff",
        b"\xef\xbb\xbf",
        b"[",
        b"]]",
        b"=",
        b'"',
        b"'''",
        b"#\n",
        b"\xe2\x80\xa8",
        b"[" * 2000,
    ]
    data[at:at] = random.choice(junk)


def _byte_order_mark(_: Random, data: bytearray) -> None:
    data[:0] = b"\xef\xbb\xbf"


def _move_line(random: Random, data: bytearray) -> None:
    lines = data.split(b"\n")
    line = lines[random.randrange(len(lines))]
    lines.insert(random.randrange(len(lines)), line)
    data[:] = b"\n".join(lines)


def _cut(random: Random, data: bytearray) -> None:
    at = random.randrange(len(data))
    del data[at : at + random.choice([1, 1, 5, 40, 400])]


TEXTUAL: list[Callable[[Random, bytearray], None]] = [
    *(_flip, _flip, _truncate, _line_ends, _insert, _insert, _byte_order_mark, _move_line, _cut, _cut),
]


def mutated(seed: dict[str, Any], random: Random) -> bytes:
    """Return the text of a description with a few things wrong, or none."""
    tree = copy.deepcopy(seed)
    for _ in range(random.choice([0, 1, 1, 1, 2, 3, 6])):
        random.choice(STRUCTURAL)(random, tree)
    data = bytearray(dump(tree, random).encode())
    if random.random() < 0.3:
        for _ in range(random.choice([1, 1, 2])):
            if data:
                random.choice(TEXTUAL)(random, data)
    return bytes(data)
