"""Upkeep: what may be wrong with the machine and its state, and which of its files nothing needs any more."""
