"""The text of a first recipe: short, complete, and commented where a person is likely to change it."""

import json

from tasks.data.init.guess import ImageGuess, TableGuess

_HEAD = """\
# Written by `stillhouse init`; every value is a start, yours to change. `stillhouse check params/{name}.yaml` reads it.
name: {name}
seed: 0

data:
  source:
    kind: {kind}
    path: {path}   # is in dvc.yaml too, where DVC watches it for new data
"""
_SPLIT = """\
  split:
    kind: hashed               # each sample stays where it is while data grows
    validation: 0.2            # chooses
    test: 0.2                  # judges, once
    seed: 0
  duplicates: drop             # equal samples would stand in two splits; refuse, drop or keep
  arrivals: {bad: stop}        # what cannot be read stops the run; quarantine leaves it out, by name
"""
_IMAGES = """\
  reader:
    kind: image_folder
    size: [{side}, {side}]             # height, width in pixels; larger sees more and costs more
    channels: {channels}                # 1 grey, 3 colour
"""
_IMAGE_MODELS = """
teacher:
  architecture: {{kind: resnet, widths: [32, 64, 128], blocks: 1}}
  training: {{epochs: 30, batch_size: 64, learning_rate: 0.003}}

student:
  architecture: {{kind: cnn, channels: {student}}}
  training: {{epochs: 60, batch_size: 64, learning_rate: 0.01}}
"""
_TABLE = """\
  reader:
    kind: table
    label: {label}
    categorical: {categorical}   # one column per value
    ignore: {ignore}
    missing: {missing}            # rows with a gap; refuse or drop
"""
_TABLE_MODELS = """
teacher:
  architecture: {kind: mlp, hidden: [256, 256]}
  training: {epochs: 60, batch_size: 64, learning_rate: 0.001}

student:
  architecture: {kind: mlp, hidden: [16]}
  training: {epochs: 100, batch_size: 64, learning_rate: 0.01}
"""
_TAIL = """
distill:
  alpha: 0.1                   # weight of the hard label; 1 - alpha goes to the teacher's
  temperature: 4

compress:
  target: {{isa: x86-vnni, threads: 1}}
  candidates: {candidates}
  limits: {{below_student: {{accuracy: 0.01}}}}
  prefer: latency

promote:                       # raise these to what your product needs
  staging: {{approval: automatic, quality: {{accuracy: 0.5}}}}
  edge: {{approval: manual, requires: staging, quality: {{accuracy: 0.5}}}}
"""


def image_recipe(name: str, source: str, guess: ImageGuess) -> str:
    """Returns a recipe for a folder of images."""
    # Each entry halves the picture; it should not end below 2 pixels.
    student = [8, 16, 32, 32][: max(2, guess.side.bit_length() - 3)]
    return (
        _HEAD.format(name=name, kind="folder", path=json.dumps(source))
        + _IMAGES.format(side=guess.side, channels=guess.channels)
        + _SPLIT
        + _IMAGE_MODELS.format(student=student)
        + _TAIL.format(candidates="[fp32, static_int8]")
    )


def table_recipe(name: str, source: str, guess: TableGuess) -> str:
    """Returns a recipe for a table."""
    reader = _TABLE.format(
        label=_quoted(guess.label),
        categorical=_quoted(guess.categorical),
        ignore=_quoted(guess.ignore),
        missing="drop" if guess.missing else "refuse",
    )
    head = _HEAD.format(name=name, kind="file", path=json.dumps(source))
    return head + reader + _SPLIT + _TABLE_MODELS + _TAIL.format(candidates="[fp32, static_int8]")


def _quoted(value: object) -> str:
    """Returns a string or a list of strings in quotes: a column may be called `1`, `no` or `a: b`."""
    return json.dumps(value, ensure_ascii=False)
