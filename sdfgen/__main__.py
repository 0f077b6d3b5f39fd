"""`python -m sdfgen`."""

from sdfgen.start import main

main()
