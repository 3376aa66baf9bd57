"""Pictures of the report that only regression has."""
