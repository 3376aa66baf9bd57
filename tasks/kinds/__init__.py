"""Kinds of task: one folder each, whose six parts are all that the other code knows of a kind (`contract.py`)."""
