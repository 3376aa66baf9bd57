"""Passes from a network to a file: `PASS` of the module that the recipe's `kind` names."""
