"""The gate in front of an environment: limits, approvals, verdicts."""
