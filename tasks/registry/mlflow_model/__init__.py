"""A release as MLflow sees it: a model that its own tools load, with signature, metrics and a page."""
