"""Guests that start from a device tree of the author's, with what the build will make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.rules.registry import Shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board, Device
    from sdfgen.guests.tree_index import Indexed
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System
    from sdfgen.read.flat_tree import TreeNode

GIVE = "give the tree that Linux builds for board `{board}`, or mend the board file"
"""What to do about a tree of another machine."""


class Based(NamedTuple):
    """A guest that starts from a tree of the author's.

    Attributes:
        guest: The guest.
        board: Its board.
        root: The tree.
        nodes: Its nodes by path.
        phandles: Their paths by phandle.
        statuses: What the build writes into `status`, by the node's path.
    """

    guest: Guest
    board: Board
    root: TreeNode
    nodes: dict[str, Indexed]
    phandles: dict[int, str]
    statuses: dict[str, str]

    @property
    def named(self) -> str:
        """The tree in words, with its own word for what machine it is of."""
        own = self.root.text("model") or self.root.text("compatible")
        machine = "".join(letter if letter.isprintable() else "?" for letter in own)
        of = f" (of `{machine}`)" if machine else ""
        return f"device tree {self.guest.dtb!r}{of} of guest `{self.guest.name}`"

    @property
    def devices(self) -> Iterator[Device]:
        """What the guest is given."""
        return (self.board.devices[name] for name in self.guest.devices)

    def is_enabled(self, path: str) -> bool:
        """Tell whether Linux makes a device of a node once the build has written its overlay."""
        from sdfgen.guests.trees import ENABLED

        written = self.statuses.get(path)
        return self.nodes[path].is_enabled if written is None else written == ENABLED


@Shared
def based_guests(system: System) -> Iterator[Based]:
    """Yield the guests that start from a tree of the author's which can be read."""
    for guest in system.guests:
        if guest.base_tree is not None:
            from sdfgen.guests.tree_index import index
            from sdfgen.guests.tree_suppliers import by_phandle
            from sdfgen.guests.trees import statuses_of

            root = guest.base_tree.root
            nodes = index(root)
            statuses = statuses_of(system.board, guest.devices)
            yield Based(guest, system.board, root, nodes, by_phandle(nodes), statuses)


def shut(based: Based, path: str) -> str:
    """Return the outermost node at or around a path that is disabled; nothing when Linux gets there.

    Args:
        based: The guest.
        path: A node of its tree.
    """
    from sdfgen.guests.tree_index import ancestors

    around = [other for other in ancestors(path) if not based.is_enabled(other)]
    return around[-1] if around else "" if based.is_enabled(path) else path
