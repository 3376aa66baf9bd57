"""The registry: consumes an evaluation, produces a release (an MLflow model version) and its promotions."""
