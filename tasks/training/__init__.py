"""Training: consumes prepared data, a network and an objective, produces the best epoch's weights and the history."""
