"""Writes the pages of the manual's reference from the code: `python -m manual`."""
