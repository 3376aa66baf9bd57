"""One class out of several per sample, for one question (head) or for several."""
