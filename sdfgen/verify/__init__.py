"""Reads back what was made, with other programs' eyes."""
