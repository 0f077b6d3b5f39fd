"""What a person may write; docs/reference.md is generated from it."""
