"""Linux guests to try with, made of the packages of the machine's own distribution."""
