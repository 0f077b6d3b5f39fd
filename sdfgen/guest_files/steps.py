"""Steps of the build graph that make guests' files: `python -m sdfgen.guest_files.steps STEP OUTPUT INPUT...`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _initrd(*words: str) -> bytes:
    """Append files; each word up to `--` is `KIND:PATH` of an input, in their order, or `link:PATH:TARGET`."""
    from sdfgen.guest_files.initrd import Appended, with_files

    at = words.index("--")
    inputs = iter(words[at + 1 :])
    files = []
    for word in words[:at]:
        kind, path, *target = word.split(":", 2)
        content = target[0].encode() if target else _read(next(inputs))
        files.append(Appended(path, kind, content))
    return with_files(b"".join(map(_read, inputs)), files)


def _tree(base: str, overlay: str) -> bytes:
    from sdfgen.guest_files.apply_overlay import with_overlay

    return with_overlay(_read(base), _read(overlay))


def _object(*files: str) -> bytes:
    from sdfgen.guest_files.embed import IMAGES, guest_object
    from sdfgen.guest_files.initrd import empty

    images = dict(zip(IMAGES, map(_read, files), strict=False))
    return guest_object(images | {"initrd": images.get("initrd") or empty()})


_STEPS: dict[str, Callable[..., bytes]] = {"initrd": _initrd, "tree": _tree, "object": _object}
"""What each step makes from its input files, in the order that build.ninja names them."""


def main(step: str, output: str, *inputs: str) -> None:
    """Run one step; the output appears whole or not at all."""
    from sdfgen.guest_files.apply_overlay import TreeError
    from sdfgen.guest_files.initrd import TooLargeError

    try:
        content = _STEPS[step](*inputs)
        with open(f"{output}.new", "wb") as file:
            file.write(content)
        os.replace(f"{output}.new", output)
    except (OSError, TooLargeError, TreeError) as error:
        sys.exit(f"sdfgen: {output}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
