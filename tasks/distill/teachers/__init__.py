"""The teacher: consumes prepared data and the `teacher` section, produces the weights of the large network."""
