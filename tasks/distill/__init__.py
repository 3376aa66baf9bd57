"""Distillation: teachers, soft labels, objectives, and the student that learns from them beside its baseline."""
