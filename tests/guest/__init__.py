"""The C with a real Linux: as a guest behind vhost-user, and as the driver VM."""
