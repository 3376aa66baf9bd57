"""Runs on the device: consumes a bundle (model, labels, golden samples, manifest), produces verified predictions."""

import os

# ONNX Runtime looks up and calls a host of its maker's from every process that lives longer than some seconds. It reads
# this variable when the library is loaded; a call that turns it off later comes after the first look-up.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
