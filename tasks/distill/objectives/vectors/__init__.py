"""Soft-label objectives for vectors without a softmax, such as embeddings; found by `kind` like those beside."""
