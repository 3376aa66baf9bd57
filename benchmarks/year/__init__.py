"""A year of weekly retraining: consumes real digits that arrive week by week, produces counts and a picture."""
