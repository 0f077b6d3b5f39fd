"""The block subsystem: guests and protection domains share a disk that one guest drives."""
