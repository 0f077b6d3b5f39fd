"""`python -m sdfgen`."""

from sdfgen.start import program

program()
