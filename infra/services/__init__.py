"""Starts PostgreSQL, MLflow, Prefect and workers on one machine, without containers."""
