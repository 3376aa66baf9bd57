"""What the stages hand to each other: frozen records of data, models, metrics and releases."""
