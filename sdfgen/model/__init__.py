"""The system as every later phase sees it: frozen values."""
