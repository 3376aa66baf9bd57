"""The `stillhouse` command: one module per group of commands, and everything that is printed."""
