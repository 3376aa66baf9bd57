"""ONNX files of teachers: opened, compared with the data, and what they answer read."""
