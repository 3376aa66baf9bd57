"""Listening: sound that does not end, in pieces, with a state that does not grow."""
