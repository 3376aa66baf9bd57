"""The ledger: SQL tables of runs, releases and decisions."""
