"""Kinds of task: consumes logits and labels, produces losses, predictions and metrics; alone in knowing the kind."""
