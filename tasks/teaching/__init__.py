"""Learning from a teacher: soft labels and where they are kept, objectives, the loss, health checks."""
