"""The file as it is exported."""

from pathlib import Path

from params.compress import Fp32
from tasks.compress.context import CompressionContext, FilePass
from tasks.core.files import whole_file


def keep_fp32(_context: CompressionContext, exported: Path, _params: Fp32, path: Path) -> None:
    """Writes the file as it was exported; no further pass is always one of the outcomes."""
    with whole_file(path) as temporary:
        temporary.write_bytes(exported.read_bytes())


PASS = FilePass(keep_fp32, tolerance=1e-3)
