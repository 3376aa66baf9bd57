"""A first recipe for recordings."""
