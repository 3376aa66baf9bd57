"""Passes from a network to a network: `PASS` of the module that the recipe's `kind` names."""
