"""Pictures that only embeddings have."""
