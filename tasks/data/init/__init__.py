"""A first recipe for data that has none yet."""
