"""What a student learns from its teacher, as pure mathematics: consumes logits or features, produces losses."""
