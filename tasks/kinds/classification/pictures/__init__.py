"""Pictures that only classification has: what is taken for what, the weakest classes, confidence against hits."""
