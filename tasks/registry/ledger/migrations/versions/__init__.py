"""The revisions of the ledger's tables, each with the one before it."""
