"""Of the monitor nothing must hold that does not hold of any protection domain."""
