"""What may vary: one schema per stage beside the recipes (YAML) that fill it in; imports nothing of ours."""
