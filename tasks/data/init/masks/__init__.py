"""A first recipe for pictures with masks."""
