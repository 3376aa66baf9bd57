"""A bundle: one folder with model, manifest and golden samples, verified before it answers."""
