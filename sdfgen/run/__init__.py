"""`sdfgen run`: a built system in QEMU, its disk, and its guests' consoles."""
