"""How a partition is named: by its place in the partition table, its identifier there, or its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.records import NamedTuple
from sdfgen.schema.readers import Reader, without_quotes

if TYPE_CHECKING:
    from sdfgen.faults.fault import Faults
    from sdfgen.read.toml import Node

PARTUUID = "PARTUUID"
PARTLABEL = "PARTLABEL"


class PartitionName(NamedTuple):
    """A partition's name, in one of three ways.

    Attributes:
        entry: Its place in the partition table, counted from 0; None when it has another name.
        uuid: Its identifier, in lower case: a GUID in a GPT, `SSSSSSSS-NN` in an MBR.
        label: Its label, which a GPT has.
    """

    entry: int | None = None
    uuid: str | None = None
    label: str | None = None

    @property
    def text(self) -> str:
        """The name as descriptions have it."""
        if self.uuid is not None:
            return f"{PARTUUID}={self.uuid}"
        return str(self.entry) if self.label is None else f"{PARTLABEL}={self.label}"

    @property
    def order(self) -> tuple[bool, int, str]:
        """Places before other names."""
        return self.entry is None, self.entry or 0, self.text


class PartitionNames(Reader):
    """A partition's index, or a text as Linux' `root=` and fstab have it."""

    says = 'a partition such as 0, "PARTUUID=f1a2b3c4-01" or "PARTLABEL=logs"'
    harmless = PartitionName(0)

    def read(self, node: Node, faults: Faults) -> PartitionName:
        """Return the name; its spelling is judged later."""
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool):
            return PartitionName(value)
        kind, _, name = value.partition("=") if isinstance(value, str) else ("", "", "")
        if kind == PARTUUID and name:
            return PartitionName(uuid=name.lower())
        if kind == PARTLABEL and name:
            return PartitionName(label=name)
        refused: PartitionName = self.refuse(node, faults)
        return refused

    def advice(self, node: Node) -> str:
        """Tell of quotes that are too much."""
        return without_quotes(node.value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        named = {"type": "string", "pattern": f"^({PARTUUID}|{PARTLABEL})=."}
        return {"anyOf": [{"type": "integer"}, named], "examples": [0, f"{PARTLABEL}=logs"]}
