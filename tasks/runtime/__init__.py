"""Runs on the device: consumes a bundle (model, labels, golden samples, manifest), produces verified predictions."""
