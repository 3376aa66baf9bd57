"""Training: consumes prepared data, a network and an objective, produces the weights of one epoch and the history."""
