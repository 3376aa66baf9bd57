"""Thresholds that validation data gives and a release carries."""
