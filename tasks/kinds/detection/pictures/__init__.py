"""Pictures that only detection has."""
