"""Evaluation: consumes the ONNX files of all models and the test split, produces scores with intervals and a report."""
