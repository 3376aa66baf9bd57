"""Embedding: vectors that are close for one identity, compared by their cosine."""
