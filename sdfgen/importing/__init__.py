"""From a system file that others wrote to a description that makes the same system."""
