"""Real digits as pictures in class folders, as a person's own data would lie."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


def write_digits(folder: Path) -> None:
    """Writes scikit-learn's digits 0 to 2 as PNG files, a folder per class."""
    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        if label < 3:
            (folder / f"digit-{label}").mkdir(exist_ok=True)
            Image.fromarray((pixels * 15).astype(np.uint8)).save(folder / f"digit-{label}" / f"{number}.png")
