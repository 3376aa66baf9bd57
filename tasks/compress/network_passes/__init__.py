"""Passes that change the network in torch."""
