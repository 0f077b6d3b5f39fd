"""From a file name to checked systems: the phases read, resolve and rules in a row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen import judge
from sdfgen.facts.board import board_files, load_board
from sdfgen.facts.dialects import CONFIGS, DIALECTS, IMAGE_TYPE_SINCE, IMAGES, SMP_SINCE
from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.faults.source import Source, Where
from sdfgen.read.load import load, setting
from sdfgen.read.merge import override
from sdfgen.read.toml import Node
from sdfgen.records import NamedTuple
from sdfgen.resolve.needs import board_suffices
from sdfgen.resolve.system import resolve
from sdfgen.spec.description import SystemTable
from sdfgen.spec.moved import CORES, moved_faults
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.facts.board import Board
    from sdfgen.facts.dialects import Dialect
    from sdfgen.facts.sdk import Sdk
    from sdfgen.model.system import System
    from sdfgen.spec.description import Spec, ToolchainTable


class Description(NamedTuple):
    """A description with everything made of it.

    Attributes:
        path: Its file.
        specs: What the author wrote, by board.
        systems: What it makes, by board; boards with errors are missing.
        files: Every file that was read: description, includes, board files.
        faults: Everything that is wrong.
    """

    path: str
    specs: dict[str, Spec]
    systems: dict[str, System]
    files: tuple[str, ...]
    faults: Faults


def describe(path: str, settings: Sequence[str] = (), boards: Sequence[str] = ()) -> Description:
    """Read, resolve and check a description.

    Args:
        path: The description's file.
        settings: `path=value` settings that override it.
        boards: Boards to build for instead of the description's.
    """
    faults = Faults()
    root, files = load(path, faults)
    if root is None:
        return Description(path, {}, {}, tuple(files), faults)
    overrides = [node for text in settings if (node := setting(text, faults)) is not None]
    faults.extend(_moved(root, overrides))
    if faults.errors:  # what follows would be about keys that are not there
        return Description(path, {}, {}, tuple(files), faults)
    plain, general = root, [node for node in overrides if "board" not in node.value]
    root = _overridden(root, [node for node in overrides if "board" in node.value], faults)
    root = _overridden(root, general, Faults())  # what goes wrong here is told for each board
    variants = root.value.get("board")
    known = board_files(os.path.dirname(path))
    plain, root = _without_boards(plain), _without_boards(root)
    wanted = _wanted_boards(root, boards, list(known), faults)
    described = {name: _one_board(name, known[name], plain, variants, general) for name in wanted}
    faults.extend(_joined({name: one.faults for name, one in described.items()}))
    specs = {name: one.spec for name, one in described.items() if one.spec is not None}
    systems = {name: one.system for name, one in described.items() if one.system is not None}
    _check_variants(variants, specs, root, list(known), faults)
    return Description(path, specs, systems, (*files, *(known[name] for name in wanted)), faults)


def _moved(root: Node, overrides: list[Node]) -> Iterator[Fault]:
    """Yield a fault for each key that is written otherwise now, in the description and in what overrides it."""
    moved = {**CORES, **register.moved_keys()}
    for tree in (root, *overrides):
        yield from moved_faults(tree, moved)
        variants = tree.value.get("board")
        if variants is not None and isinstance(variants.value, dict):
            for variant in variants.value.values():
                yield from moved_faults(variant, moved)


def _joined(by_board: dict[str, Faults]) -> Iterator[Fault]:
    """Yield each fault once; one that not all boards have says which do."""
    boards_of: dict[Fault, list[str]] = {}
    for name, faults in by_board.items():
        for fault in faults:
            boards_of.setdefault(fault, []).append(name)
    for fault, names in boards_of.items():
        said = len(names) == len(by_board) or all(f"`{name}`" in fault.message for name in names)
        suffix = "" if said else " (on " + ", ".join(f"`{name}`" for name in names) + ")"
        yield fault._replace(message=fault.message + suffix)


def _overridden(root: Node, overrides: list[Node], faults: Faults) -> Node:
    for node in overrides:
        root = override(root, node, faults)
    return root


def _without_boards(root: Node) -> Node:
    return Node({key: node for key, node in root.value.items() if key != "board"}, root.where)


def _wanted_boards(root: Node, boards: Sequence[str], known: list[str], faults: Faults) -> list[str]:
    """Return the boards to build for, each known and once."""
    system = root.value.get("system")
    listed = system.value.get("boards") if system and isinstance(system.value, dict) else None
    if listed is None or not isinstance(listed.value, list):
        _read(root, faults)
        return []
    for node in listed.value:
        if isinstance(node.value, str) and node.value not in known:
            faults.add(_unknown_board(node.value, node.where, known))
    if not listed.value and not boards:
        faults.add(Fault("SDF010", "no board to build for", listed.where, f"known boards: {', '.join(known)}"))
    for name in set(boards) - set(known):
        faults.add(_unknown_board(name, Where(Source(f"--board {name}", name)), known))
    names = boards or [node.value for node in listed.value if isinstance(node.value, str)]
    wanted = [name for name in dict.fromkeys(names) if name in known]
    if not wanted:
        _read(root, faults)
    return wanted


def _unknown_board(name: str, where: Where, known: list[str]) -> Fault:
    from sdfgen.facts.unknown_board import unknown_board

    message, advice = unknown_board(name, known, _sdk_folder(None, ""))
    return Fault("SDF010", message, where, advice)


class _OneBoard(NamedTuple):
    spec: Spec | None
    system: System | None
    faults: Faults


def _one_board(name: str, path: str, root: Node, variants: Node | None, overrides: list[Node]) -> _OneBoard:
    """Read and resolve one board's variant of the description."""
    spec, own = _variant(name, root, variants, overrides)
    folder = os.path.dirname(root.where.source.path or "")
    of_board = Faults()
    sdk = _sdk(spec, name, folder, of_board)
    board = load_board(name, path, of_board, register.board_keys(), sdk)
    if board is None:
        own.extend(of_board)
        return _OneBoard(None, None, own)
    judge.check_board(board, of_board)
    if sdk is not None:
        from sdfgen.rules.board_sdk import differences

        of_board.extend(differences(board, sdk))
    system = _system(spec, board, sdk, folder, of_board, own)
    return _OneBoard(spec, None if own.errors else system, own)


def _system(spec: Spec, board: Board, sdk: Sdk | None, folder: str, of_board: Faults, own: Faults) -> System | None:
    """Resolve and judge a description; what its board's file has wrong is told without what follows from that."""
    sound = not of_board.errors
    dialect = _dialect(spec.system, own)
    own.extend(of_board)
    if dialect is None or not board_suffices(spec, board, own):
        return None
    found = Faults()
    found.extend(own)
    system = resolve(spec, board, dialect, folder, found)
    own.extend(fault for fault in found if sound or not judge.stands_on_board(fault))
    judge.check(system, own, board_is_sound=sound)
    if sdk is not None:
        from sdfgen.rules.board_sdk import cannot

        own.extend(cannot(system, sdk))
    return system


def _sdk_folder(toolchain: ToolchainTable | None, folder: str) -> str | None:
    """Return the Microkit SDK's folder, which starts at the description's when it is written there."""
    if toolchain is not None and toolchain.microkit_sdk:
        return os.path.join(folder, toolchain.microkit_sdk)
    return os.environ.get("MICROKIT_SDK") or None


def _sdk(spec: Spec, board: str, folder: str, faults: Faults) -> Sdk | None:
    """Return what the Microkit SDK, where there is one, knows of a board."""
    sdk = _sdk_folder(spec.toolchain, folder)
    if sdk is None or spec.system is None:
        return None
    from sdfgen.facts.sdk import SdkError, read_sdk

    try:
        return read_sdk(sdk, board, spec.system.config)
    except SdkError as error:
        where = Where(Source(error.path, ""))
        faults.add(Fault("SDF101", str(error), where, "unpack the Microkit SDK anew"))
        return None


def _variant(name: str, root: Node, variants: Node | None, overrides: list[Node]) -> tuple[Spec, Faults]:
    """Lay a board's own values over the description's, and the command line's over both."""
    own = Faults()
    special = variants.value.get(name) if variants and isinstance(variants.value, dict) else None
    if special is not None and isinstance(special.value, dict):
        root = override(root, special, own)
    return _read(_overridden(root, overrides, own), own), own


def _read(root: Node, faults: Faults) -> Spec:
    """Read a description; of keys that stand in a wrong table it is told which is right."""
    found = Faults()
    spec = register.spec().read(root, found)
    if len(found):
        from sdfgen.schema.places import with_home

        faults.extend(with_home(fault, register.spec()) for fault in found)
    return spec


def _dialect(system: SystemTable | None, faults: Faults) -> Dialect | None:
    """Return the Microkit version; for an unknown one the default, so that the rest is checked too."""
    if system is None:
        return None
    dialect = DIALECTS.get(system.microkit)
    if dialect is None:
        near = suggestion(system.microkit, DIALECTS)
        message = f"unknown Microkit version {system.microkit!r}{near}"
        faults.add(Fault("SDF010", message, system.at("microkit"), f"known versions: {', '.join(DIALECTS)}"))
        dialect = DIALECTS[SystemTable.keys["microkit"].default]
    if system.config not in CONFIGS:
        near = suggestion(system.config, CONFIGS)
        message = f"unknown Microkit configuration {system.config!r}{near}"
        faults.add(Fault("SDF010", message, system.at("config"), f"known configurations: {', '.join(CONFIGS)}"))
    elif system.config.startswith("smp-") and not dialect.at_least(SMP_SINCE):
        message = f"Microkit {dialect.version} has no configuration {system.config!r}"
        faults.add(Fault("SDF010", message, system.at("config"), f"smp configurations exist from {SMP_SINCE}"))
    _check_image(system, dialect, faults)
    return dialect


def _check_image(system: SystemTable, dialect: Dialect, faults: Faults) -> None:
    if system.image not in IMAGES:
        message = f"unknown form of image {system.image!r}{suggestion(system.image, IMAGES)}"
        faults.add(Fault("SDF010", message, system.at("image"), f"known forms: {', '.join(IMAGES)}"))
    elif system.image != IMAGES[0] and not dialect.at_least(IMAGE_TYPE_SINCE):
        message = f"the tool of Microkit {dialect.version} makes no image of the form {system.image!r}"
        faults.add(Fault("SDF010", message, system.at("image"), f"it can be chosen from {IMAGE_TYPE_SINCE}"))


def _check_variants(
    variants: Node | None, specs: dict[str, Spec], root: Node, known: list[str], faults: Faults
) -> None:
    """Read the overrides of boards that are not built for too, so that a mistake there is not silent."""
    if variants is None:
        return
    if not isinstance(variants.value, dict):
        faults.add(Fault("SDF003", "`board` must be a table of board names", variants.where, "write [board.NAME]"))
        return
    for name, node in variants.value.items():
        if name not in known:
            faults.add(_unknown_board(name, node.where.of_key(), known))
        elif not isinstance(node.value, dict):
            faults.add(
                Fault(
                    "SDF003",
                    f"`board.{name}` must be a table",
                    node.where,
                    "write its keys below [board.NAME]",
                )
            )
        elif name not in specs:
            faults.extend(_variant(name, root, variants, [])[1])
