"""Architectures as data: consumes an `Architecture` and an `InputSpec`, produces a network, its weights, its ONNX."""
