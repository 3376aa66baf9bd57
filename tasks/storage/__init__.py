"""Storage: consumes what is still needed, produces what lies on disk and in MLflow without being so, to be removed."""
