"""Many students of one teacher: what is tried, who trains it, and which of them is best."""
