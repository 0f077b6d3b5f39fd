"""Emit phase: from a system to files; decides nothing."""
