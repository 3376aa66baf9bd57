"""A first recipe for pictures with boxes, whatever the form of the annotations."""
