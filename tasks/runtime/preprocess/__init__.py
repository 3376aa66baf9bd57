"""How raw input (rows of a table, picture files) becomes what a model takes; training and the device use it alike."""
