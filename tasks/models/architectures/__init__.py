"""The architectures, each a module that is found by its kind: `ARCHITECTURE` says how its network is made."""
