"""What ONNX Runtime really executes, after its own fusions: is it int8, or only called so?"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime as ort

INTEGER = frozenset(
    {
        "ConvInteger",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
        "QGemm",
        "QLinearConv",
        "QLinearMatMul",
    }
)
"""operators with weights that ONNX Runtime computes in integers"""


def executed_operators(model: bytes) -> dict[str, int]:
    """Returns how often each operator type is in the graph that ONNX Runtime makes of a model on this machine.

    The optimised graph is written to a temporary file and never ships: it is made for this very processor.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "optimized.onnx")
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3  # it warns that the file is of this machine: that is the point
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        counts = Counter(node.op_type for node in onnx.load(path).graph.node)
    return dict(sorted(counts.items()))


def integer_operators(executed: Mapping[str, int]) -> int:
    """Returns how many of the executed operators have weights and are computed in integers."""
    return sum(count for operator, count in executed.items() if operator in INTEGER)
