"""Passes that change the ONNX file."""
