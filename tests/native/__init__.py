"""The C under templates/c/, compiled natively and for its targets, and run."""
