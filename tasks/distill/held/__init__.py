"""To what a network is held that begins with another one: a module for each `init.kind` that can be held to."""
