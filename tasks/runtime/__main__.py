"""Lets `python -m stillhouse_edge` be the command."""

from .cli import main

main()
