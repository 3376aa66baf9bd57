"""The entry to MLflow and OpenLineage, and how a stage becomes a Prefect task."""
