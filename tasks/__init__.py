"""How each stage is done: one room per stage, records between them, and the plumbing that all rooms share."""
