"""Read phase: files to trees in which every value knows its place."""
