"""What every package may use: files, locks, the workspace, fingerprints, progress, YAML, errors."""
