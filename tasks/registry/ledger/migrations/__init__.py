"""Alembic's migrations of the ledger: one revision per shape that its tables ever had."""
