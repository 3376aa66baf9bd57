"""Sound in a recipe: readers, front ends, changes to training clips, and what decides while a device listens."""
