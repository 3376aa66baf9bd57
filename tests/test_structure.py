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
    "Column",
    "Document",
    "Limits",
    "Standing",
    "Teacher",
}
SPEAK_YET = [
    "cli/console.py",
    "cli/sweep.py",
    "flows/fresh_check.py",
    "flows/promote.py",
    "flows/retrain.py",
    "flows/sweep/ranking.py",
    "flows/sweep/report.py",
    "flows/sweep/runner.py",
    "flows/sweep/sweep.py",
    "params/annealing.py",
    "params/compress.py",
    "params/data.py",
    "params/evaluate.py",
    "params/promote.py",
    "params/readers.py",
    "params/retrain.py",
    "params/sweep.py",
    "params/teacher.py",
    "tasks/compress/choose.py",
    "tasks/compress/file_passes/mixed_int8.py",
    "tasks/compress/measure.py",
    "tasks/compress/processor.py",
    "tasks/compress/task.py",
    "tasks/contracts/metrics.py",
    "tasks/contracts/records.py",
    "tasks/contracts/scores.py",
    "tasks/data/init/templates.py",
    "tasks/distill/health.py",
    "tasks/distill/soft_labels/packing.py",
    "tasks/distill/teachers/load_teachers.py",
    "tasks/distill/teachers/task.py",
    "tasks/distill/teachers/teachers.py",
    "tasks/evaluate/evaluate.py",
    "tasks/evaluate/figure_data.py",
    "tasks/evaluate/figures/confusion.py",
    "tasks/evaluate/figures/draw.py",
    "tasks/evaluate/figures/front.py",
    "tasks/evaluate/figures/reliability.py",
    "tasks/evaluate/figures/slices.py",
    "tasks/evaluate/figures/worst.py",
    "tasks/evaluate/fresh.py",
    "tasks/evaluate/intervals.py",
    "tasks/evaluate/notes.py",
    "tasks/evaluate/report/card.py",
    "tasks/evaluate/report/details.py",
    "tasks/evaluate/report/gates.py",
    "tasks/evaluate/report/headline.py",
    "tasks/evaluate/report/summary.py",
    "tasks/evaluate/report/templates/page.html",
    "tasks/evaluate/score.py",
    "tasks/evaluate/task.py",
    "tasks/kinds/kind.py",
    "tasks/registry/gate/judge.py",
    "tasks/registry/lineage/ancestry.py",
    "tasks/registry/release.py",
    "tasks/runtime/bundle/bundle.py",
    "tasks/runtime/bundle/manifest.py",
    "tasks/runtime/bundle/predictor.py",
    "tasks/runtime/serve/openapi.py",
    "tasks/training/answers.py",
    "tasks/training/network.py",
    "tasks/training/record.py",
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
