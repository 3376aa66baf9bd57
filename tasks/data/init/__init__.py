"""A first recipe for data that nobody has described yet."""
