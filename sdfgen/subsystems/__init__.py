"""Subsystems: what guests and protection domains share. One folder each, and one line in register.py."""
