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
    "params/data.py": "`data.classes` of a recipe is the names of labels",
    "params/readers.py": "formats that name their classes: folders, IDX",
    "tasks/data/init/templates.py": "`init` writes a recipe of classification: its limits name that kind's metric",
}
"""pattern of files -> why words of classification are right in them"""


def test_no_circle_of_imports() -> None:
    assert not cycles()


def test_no_folder_of_many_modules() -> None:
    assert not {folder: size for folder, size in folder_sizes().items() if size > MODULES}


def test_no_two_public_classes_of_one_name() -> None:
    assert not doubled_classes()


def test_words_of_classification_occur_in_its_folder_alone() -> None:
    strange = {
        name: dict(words)
        for name, words in words_of_classification().items()
        if not any(fnmatch(name, pattern) for pattern in MAY_SPEAK)
    }
    assert not strange, f"they belong into {OF_CLASSIFICATION}"


def test_every_exception_is_still_one() -> None:
    names = words_of_classification()
    idle = [pattern for pattern in MAY_SPEAK if not any(fnmatch(name, pattern) for name in names)]
    assert not idle
