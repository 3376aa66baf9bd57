"""The structure of production code: no circle of imports, small folders, one class of a name, words of a kind in it.

`python -m tests.structure` lists what is found now.
"""

from fnmatch import fnmatch

from tests.structure import (
    OF_CLASSIFICATION,
    cycles,
    doubled_classes,
    folder_sizes,
    questions_of_layouts,
    words_of_classification,
)

MODULES = 16
"""in one folder, without `__init__.py`"""

MAY_SPEAK = {
    "tasks/distill/objectives/*.py": "soft labels are a softmax over logits, whatever the rows are of",
    "params/objectives.py": "documents those formulas",
    "params/data.py": "`data.classes` of a recipe is the names of labels",
    "params/teacher.py": "`classes` of a teacher are the names of its outputs",
    "params/readers/*.py": "formats that name their classes: folders, IDX, masks",
    "tasks/data/readers/coco_masks/*.py": "categories of a COCO file are classes",
    "tasks/data/readers/image_masks/*.py": "what each value of a mask means is a class",
    "params/pictures/boxes.py": "boxes are of classes, which a recipe chooses and orders",
    "tasks/data/readers/coco/*.py": "categories of a COCO file are classes",
    "tasks/data/readers/boxes/*.py": "boxes are of classes, which a recipe chooses and orders",
    "tasks/data/readers/yolo_boxes/*.py": "texts of YOLO have numbers of classes",
    "tasks/data/init/*.py": "`init` writes a recipe of classification: its limits name that kind's metric",
    "infra/convert_faceres.py": "reads nodes of TensorFlow by their names",
}
"""pattern of files -> why words of classification are right in them"""

MAY_ASK = {
    "params/section.py": "the one list of layouts",
    "params/readers/*.py": "what each reader gives",
    "params/audio/readers.py": "what each reader gives",
    "params/pictures/picture.py": "what each reader gives",
    "tasks/data/readers/*.py": "a reader says what it gives",
    "tasks/data/init/*.py": "`init` writes the fields of a reader",
    "tasks/models/architectures/*.py": "an architecture says what it takes, and what its feature maps are",
    "tasks/models/family.py": "refuses what an architecture does not take",
    "tasks/kinds/*/figures.py": "Hugging Face names tasks by what they are about",
    "tasks/kinds/contract.py": "`per: sequence`, the rows of an objective",
    "tasks/kinds/*/loss.py": "`per: sequence`",
    "params/objectives.py": "`per: sequence`",
    "tasks/distill/mutual.py": "`per: sequence`",
    "tasks/distill/soft_terms.py": "`per: sequence`",
    "tasks/distill/soft_labels/*.py": "`per: sequence`",
    "tasks/runtime/*/*.py": "the device's half has no layouts, it reads the inputs of the file",
}
"""pattern of files -> why names of layouts, or of their inputs, are right in them"""


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


def test_no_code_outside_layouts_asks_for_one() -> None:
    found = questions_of_layouts()
    strange = {name: dict(asked) for name, asked in found.items() if not any(fnmatch(name, p) for p in MAY_ASK)}
    assert not strange, "they belong into tasks/layouts"


def test_every_exception_is_still_one() -> None:
    names, asking = words_of_classification(), questions_of_layouts()
    idle = [pattern for pattern in MAY_SPEAK if not any(fnmatch(name, pattern) for name in names)]
    idle += [pattern for pattern in MAY_ASK if not any(fnmatch(name, pattern) for name in asking)]
    assert not idle
