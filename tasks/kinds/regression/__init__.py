"""A number for each sample, in a stated range: a distribution over evenly spaced values, whose mean is the answer."""
