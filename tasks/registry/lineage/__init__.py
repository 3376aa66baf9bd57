"""Lineage: consumes the records of a release, produces what it is made of, and whether all of that is still there."""
