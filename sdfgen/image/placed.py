"""Where the Microkit tool says what lies and is mapped where, chosen by what it wrote."""

from __future__ import annotations

import os

from sdfgen import outputs
from sdfgen.image.capdl import CapdlSpec
from sdfgen.image.report import TextReport


def source(folder: str) -> str:
    """Return the file that tells: the capDL specification where the tool wrote one, else the report.

    Args:
        folder: The board's.
    """
    return outputs.CAPDL if os.path.isfile(os.path.join(folder, outputs.CAPDL)) else outputs.REPORT


def read_placed(folder: str) -> CapdlSpec | TextReport:
    """Return what the tool placed.

    Args:
        folder: The board's.

    Raises:
        UnknownFormError: The file that should tell has a form that is not known here.
    """
    name = source(folder)
    path = os.path.join(folder, name)
    return CapdlSpec(path) if name == outputs.CAPDL else TextReport(path)
