"""Upkeep: what may be wrong with the machine and its state, and what lies there that nothing needs any more."""
