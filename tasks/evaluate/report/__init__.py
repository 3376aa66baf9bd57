"""Report: consumes an evaluation, its pictures and what gates said, produces one HTML page and a model card."""
