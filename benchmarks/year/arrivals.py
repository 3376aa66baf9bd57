"""What arrives in each week: real digits of scikit-learn as PNG files, and what goes wrong in life."""

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

FIRST, WEEKLY = 300, 28
EMPTY = (6, 15, 24, 33, 42, 51)
BROKEN, MISLABELLED = 11, 17
BAD = {3: "corrupt", 5: "unknown label", 8: "copy of a test sample", 19: "corrupt", 28: "unknown label"}
BAD |= {31: "copy of a test sample", 37: "corrupt", 46: "copy of a test sample"}
SEVERAL = 3
"""bad samples in a week that has some"""


class Arrivals:
    """A folder of pictures, a folder per class, that grows; and how many bad samples it holds by now."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder, self.injected = folder, Counter[str]()
        self.draw = random.Random(seed)
        digits = load_digits()
        self.waiting = [(pixels, int(label)) for pixels, label in zip(digits.images, digits.target, strict=True)]
        self.draw.shuffle(self.waiting)
        self.files = 0
        self.removed_later: list[Path] = []
        self.misplaced: list[tuple[Path, Path]] = []

    def begin(self) -> None:
        """Brings the first samples, of which a recipe is made."""
        self._bring(FIRST)

    def come(self, week: int, test_files: Sequence[str]) -> str:
        """Puts what a week brings into the folder, and returns in a word what that was.

        Args:
            week: 1 is the first.
            test_files: names of pictures in the test split of now, of which copies may come.
        """
        self._repair()
        if week in EMPTY:
            return "empty"
        self._bring(WEEKLY if week > 1 else 0)
        if week == BROKEN:
            return self._break()
        if week == MISLABELLED:
            return self._mislabel()
        return self._bring_bad(BAD[week], test_files) if week in BAD else "good"

    def _bring(self, count: int) -> None:
        for pixels, label in self.waiting[:count]:
            Image.fromarray((pixels * 15).astype(np.uint8)).save(self._new(f"digit-{label}"))
        del self.waiting[:count]

    def _new(self, label: str) -> Path:
        self.files += 1
        path = self.folder / label / f"{self.files:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _bring_bad(self, kind: str, test_files: Sequence[str]) -> str:
        for copied in self.draw.sample(sorted(test_files), SEVERAL):
            if kind == "corrupt":
                self._new("digit-1").write_bytes(b"cut off on its way")
            elif kind == "unknown label":
                shutil.copyfile(self.folder / copied, self._new("letter-o"))
            else:
                shutil.copyfile(self.folder / copied, self._new(copied.partition("/")[0]))
        self.injected[kind] += SEVERAL
        return kind

    def _break(self) -> str:
        """Brings an arrival whose transfer broke: all of it, far more than the recipe lets be bad."""
        self.removed_later = [self._new(f"digit-{n % 10}") for n in range(100)]
        for path in self.removed_later:
            path.write_bytes(b"")
        return "broken"

    def _mislabel(self) -> str:
        """Moves a quarter of all pictures into the folder of another class."""
        pictures = sorted(self.folder.glob("digit-*/*.png"))
        for path in self.draw.sample(pictures, len(pictures) // 4):
            wrong = (int(path.parent.name[-1]) + self.draw.randint(1, 9)) % 10
            self.misplaced.append((path, self.folder / f"digit-{wrong}" / path.name))
        for right, wrong_place in self.misplaced:
            right.rename(wrong_place)
        return "mislabelled"

    def _repair(self) -> None:
        """Undoes what a person would undo after last week's stop or refusal."""
        for path in self.removed_later:
            path.unlink()
        for right, wrong_place in self.misplaced:
            wrong_place.rename(right)
        self.removed_later, self.misplaced = [], []
