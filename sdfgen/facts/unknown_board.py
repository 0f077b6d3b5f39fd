"""What to say of a board that has no board file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

_ARCHITECTURES = {
    "ariane": "riscv64",
    "bananapif3": "riscv64",
    "cheshire": "riscv64",
    "hifive": "riscv64",
    "polarfire": "riscv64",
    "riscv": "riscv64",
    "rocketchip": "riscv64",
    "serengeti": "riscv64",
    "spike": "riscv64",
    "star64": "riscv64",
    "pc99": "x86_64",
    "x86": "x86_64",
}
"""Architecture by a part of the names that Microkit gives to boards of another one than AArch64."""


WITHOUT_FACTS = frozenset(
    (
        *("imx8mm_evk", "imx8mp_evk", "imx8mp_iotgate", "imx8mq_evk", "kria_k26", "maaxboard", "odroidc2"),
        *(
            "qemu_arm_virt",
            "qemu_virt_aarch64_el1",
            "rock3b",
            "rockpro64",
            "rpi4b_1gb",
            "rpi4b_2gb",
            "rpi4b_4gb",
            "rpi4b_8gb",
        ),
        *("stm32mp2", "tqma8xqp1gb", "ultra96v2", "zcu102"),
    )
)
"""Boards of Microkit's, AArch64 as well, that have no file here; `qemu_arm_virt` is what its first versions had."""


def unknown_board(name: str, known: Sequence[str], sdk: str | None) -> tuple[str, str]:
    """Return what is wrong, and what to do, when a board has no board file.

    Args:
        name: The board that is asked for.
        known: Boards that have a file.
        sdk: A Microkit SDK's folder, or None.
    """
    boards = f"known boards: {', '.join(known)}"
    other = architecture(name, sdk)
    if other is not None:
        return f"board `{name}` is {other}, and only AArch64 has facts here", boards
    begin = f"`sdfgen board {name} --sdk DIR` begins a file for it, boards/{name}.toml beside the description"
    return f"unknown board `{name}`{suggestion(name, known)}", f"{boards}; {begin}"


def architecture(name: str, sdk: str | None) -> str | None:
    """Return a board's architecture if it is not AArch64: as the SDK says, otherwise as its name does.

    Args:
        name: The board.
        sdk: A Microkit SDK's folder, or None.
    """
    if sdk is not None:
        from sdfgen.facts.sdk import AARCH64, SdkError, configs_of, read_sdk

        for config in configs_of(sdk, name)[:1]:
            try:
                facts = read_sdk(sdk, name, config)
            except SdkError:
                break
            return None if facts is None or facts.architecture == AARCH64 else facts.architecture
    return next((found for part, found in _ARCHITECTURES.items() if part in name), None)
