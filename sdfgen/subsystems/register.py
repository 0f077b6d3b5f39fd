"""The subsystems there are: adding one is adding its folder, and its line here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from sdfgen.spec.description import spec_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.schema.table import Key
    from sdfgen.spec.description import Extension, Need, Spec
    from sdfgen.subsystems import roles

PACKAGES: tuple[str, ...] = (
    "sdfgen.subsystems.block",
    "sdfgen.subsystems.console",
    "sdfgen.subsystems.monitor",
)
"""The monitor stands behind all whose domains it watches."""


def name_of(package: str) -> str:
    """Return a subsystem's name, which is its folder's."""
    return package.rpartition(".")[2]


def spec() -> type[Spec]:
    """Return the type of descriptions, with the tables and keys of all subsystems."""
    return _spec(PACKAGES)


@cache
def _spec(packages: tuple[str, ...]) -> type[Spec]:
    return spec_type(tuple(map(_extension, packages)))


def _extension(package: str) -> Extension:
    return cast("roles.Spec", import_module(f"{package}.spec")).EXTENSION


def _extensions() -> list[Extension]:
    return [_extension(package) for package in PACKAGES]


def moved_keys() -> dict[str, str]:
    """Return the keys of earlier versions, and how each is written now."""
    return {path: now for extension in _extensions() for path, now in extension.moved.items()}


def client_keys() -> tuple[str, ...]:
    """Return the keys by which guests and protection domains become clients."""
    return tuple(name for extension in _extensions() for name in (*extension.client_keys, *extension.domain_keys))


def board_keys() -> dict[str, Key]:
    """Return the tables that subsystems add to board files."""
    return {name: wanted for extension in _extensions() for name, wanted in extension.board_tables.items()}


def codes() -> dict[str, tuple[str, str]]:
    """Return title and explanation of the faults that are found while subsystems are resolved."""
    return {code: told for extension in _extensions() for code, told in extension.codes.items()}


def needs(spec: Spec) -> Iterator[Need]:
    """Yield what of a description needs which tables of the board file."""
    for extension in _extensions():
        yield from extension.needs(spec)


def served(spec: Spec) -> frozenset[str]:
    """Return the names of protection domains that subsystems name in tables of their own."""
    return frozenset(name for extension in _extensions() for name in extension.served(spec))


def is_watched(spec: Spec) -> bool:
    """Tell whether somebody reads what protection domains count."""
    return any(extension.watches(spec) for extension in _extensions())


def resolvers() -> dict[str, roles.Resolve]:
    """Return what resolves each subsystem, by its name."""
    return {name_of(package): cast("roles.Resolve", import_module(f"{package}.resolve")) for package in PACKAGES}


def rules() -> tuple[str, ...]:
    """Load every subsystem's rules, and return the names of the modules they are in."""
    return tuple(import_module(f"{package}.rules").__name__ for package in PACKAGES)


def emitters() -> tuple[roles.Emit, ...]:
    """Return what emits each subsystem."""
    return tuple(cast("roles.Emit", import_module(f"{package}.emit")) for package in PACKAGES)


def checks() -> tuple[tuple[roles.Emit, roles.Checks], ...]:
    """Return what emits each subsystem, with what says what must have been emitted."""
    modules = (cast("roles.Checks", import_module(f"{package}.checks")) for package in PACKAGES)
    return tuple(zip(emitters(), modules, strict=True))


def programs() -> tuple[roles.Programs, ...]:
    """Return what lists each subsystem's programs."""
    return tuple(cast("roles.Programs", import_module(f"{package}.programs")) for package in PACKAGES)
