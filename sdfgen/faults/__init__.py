"""What the author of a description is told."""
