"""The structure of production code: no circle of imports, small folders, one class of a name, words of a kind in it.

`python -m tests.structure` lists what is found now.
"""

from fnmatch import fnmatch

from tests.structure import (
    OF_CLASSIFICATION,
    cycles,
    doubled_classes,
    folder_sizes,
    words_of_classification,
)

MODULES = 16
"""in one folder, without `__init__.py`"""

MAY_SPEAK = {
    "tasks/distill/objectives/*.py": "soft labels are a softmax over logits, whatever the rows are of",
    "params/objectives.py": "documents those formulas",
    "params/annealing.py": "`class WeightAnnealing` of Python",
    "tasks/contracts/scores.py": "`class Score` of Python",
}
"""pattern of files -> why words of classification are right in them"""

# What is not converted yet. Lines leave these lists, none may join them.
BIG_FOLDERS: set[str] = set()
CIRCLES = {
    ("tasks.runtime.serve.handler", "tasks.runtime.serve.server"),
}
DOUBLED = {
    "BusyError",
    "Cell",
    "Document",
    "Limits",
    "Standing",
}
SPEAK_YET = [
    "params/data.py",
    "params/readers.py",
    "tasks/data/init/templates.py",
]


def test_no_circle_of_imports() -> None:
    assert {tuple(sorted(circle)) for circle in cycles()} <= CIRCLES


def test_no_folder_of_many_modules() -> None:
    big = {folder: size for folder, size in folder_sizes().items() if size > MODULES}
    assert set(big) <= BIG_FOLDERS, big


def test_no_two_public_classes_of_one_name() -> None:
    doubled = {name: files for name, files in doubled_classes().items() if name not in DOUBLED}
    assert not doubled


def test_words_of_classification_occur_in_its_folder_and_its_decoder_alone() -> None:
    allowed = (*MAY_SPEAK, *SPEAK_YET)
    strange = {
        name: dict(words)
        for name, words in words_of_classification().items()
        if not any(fnmatch(name, pattern) for pattern in allowed)
    }
    assert not strange, f"they belong into {' or '.join(OF_CLASSIFICATION)}"


def test_every_exception_is_still_one() -> None:
    names = words_of_classification()
    idle = [pattern for pattern in MAY_SPEAK if not any(fnmatch(name, pattern) for name in names)]
    assert not idle
