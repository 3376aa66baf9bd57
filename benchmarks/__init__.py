"""Measurements behind the numbers in docs/benchmarks.md; each prints its table, and writes it there with `--write`."""
