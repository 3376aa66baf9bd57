"""Compression: consumes a trained student and data, produces measured ONNX files and the choice of which ships."""
