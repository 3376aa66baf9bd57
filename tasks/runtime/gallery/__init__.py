"""Who is known to a device: names with the vectors that a model made of their samples, and nothing else of them."""
