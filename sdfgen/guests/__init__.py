"""Linux guests: what all subsystems stand on, and none of them by name."""
