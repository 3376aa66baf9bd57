"""A recipe that runs in seconds, for tests of everything around a run."""

import random
from pathlib import Path

RECIPE = """\
seed: 0
data:
  source: {kind: file, path: rows.csv}
  reader: {kind: table, label: label}
  split: {kind: hashed, validation: 0.2, test: 0.2, seed: 0}
  duplicates: drop
teacher:
  architecture: {kind: mlp, hidden: [8]}
  training: {epochs: 20, batch_size: 64, learning_rate: 0.01}
student:
  architecture: {kind: mlp, hidden: [4]}
  training: {epochs: 2, batch_size: 64, learning_rate: 0.01}
compress: {target: {isa: x86-vnni, threads: 1}, candidates: [fp32]}
promote:
  staging: {approval: automatic, parity: 1, not_worse_than_baseline: false, better_than_constant: false}
  edge: {approval: manual, requires: staging, parity: 1, not_worse_than_baseline: false, better_than_constant: false}
"""


def write_tiny(root: Path, *names: str, labels: tuple[str, str] = ("good", "bad")) -> None:
    """Writes a table of two classes, and recipes for it that differ in their names alone."""
    draw = random.Random(0)
    lines = ["temperature,speed,label"]
    for place in range(300):
        hot = place % 2
        lines.append(f"{draw.gauss(20 + 5 * hot, 3):.2f},{draw.gauss(100 - 15 * hot, 10):.2f},{labels[hot]}")
    (root / "rows.csv").write_text("\n".join(lines) + "\n")
    for name in names:
        (root / "params" / f"{name}.yaml").write_text(RECIPE)
