"""What ends a build."""


class BuildError(Exception):
    """A step failed; what it said has been shown or is in the message."""


class BuildFaultsError(BuildError):
    """What failed is among the description's faults."""
