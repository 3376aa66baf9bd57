"""Sections of a recipe that one kind of task alone has."""
