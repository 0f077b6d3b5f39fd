"""The block subsystem: several guests share a disk that one of them drives."""
