"""Where samples lie in the pictures that they were made of: resized whole, or as tiles that are joined again."""
