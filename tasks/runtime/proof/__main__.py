"""Answers samples with a bundle, in a process that may be emulated.

    python -m stillhouse_edge.proof BUNDLE SAMPLES.npz RECEIPT SECONDS

The receipt is not signed: whoever started this process reads it.
"""

import sys
from pathlib import Path

from ..bundle.verify import read_verified
from .answers import answers_to
from .receipt import write_receipt

bundle, samples, receipt, seconds = sys.argv[1:]
write_receipt(Path(receipt), answers_to(read_verified(Path(bundle)), Path(samples).read_bytes(), float(seconds)))
