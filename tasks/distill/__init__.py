"""Distillation: consumes a teacher and prepared data, produces the student, and the baseline that had no teacher."""
