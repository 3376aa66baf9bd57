"""Packages of registries as archives of files: nothing in them is installed, imported or run."""
