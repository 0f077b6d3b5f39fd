"""Resolve phase: from what a person wrote to a system."""
