"""Measurements behind the numbers in the README; each prints its table, and writes it there with `--write`."""
