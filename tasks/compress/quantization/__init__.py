"""What the int8 passes share: calibration, ONNX Runtime's quantiser, and training on the grid of integers."""
