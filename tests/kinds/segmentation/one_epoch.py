"""Trains one epoch on prepared masks and measures the network on them; prints the most memory it took, in MB."""

import resource
import sys
from pathlib import Path

from params.models import Separable
from params.training import Training
from tasks.core.progress import silent
from tasks.distill.teachers.train import train
from tasks.training.network import PreparedData

if __name__ == "__main__":
    data = PreparedData.open_folder(Path(sys.argv[1]))
    network = Separable(kind="separable", widths=(8, 12, 16), blocks=(1, 1))
    trained = train(network, Training(epochs=1, batch_size=8), data, 0, silent, lambda _epoch, _metrics: None)
    data.measuring.measure(trained.network, data.splits.train)
    data.measuring.part.constant(data.splits.train.targets_by_shard(), data.targets)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}\n")
