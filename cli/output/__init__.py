"""What a person or a machine reads of a command; the one place that writes to the terminal."""
