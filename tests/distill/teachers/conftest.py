"""A trained teacher of the tiny pictures in every form in which a person may bring it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from safetensors.torch import save_file
from torch import nn

from params.teacher import Teacher, TeacherSection
from tasks.contracts.records import DataRecord, DataSpec, InputSpec
from tasks.core.files import sha256_of
from tasks.core.progress import silent
from tasks.distill.teachers.samples import samples_of
from tasks.distill.teachers.teacher_kind import EVERY_SPLIT, MadeTeacher, Place, TeacherWork, kind_of
from tasks.models.export import export_onnx
from tasks.training.arrays import CARD
from tasks.training.network import PreparedData, Trained

PROGRAM = """
import json, pathlib, sys
answers = json.loads(pathlib.Path("answers.json").read_text())
asked = pathlib.Path("asked.txt")
for line in sys.stdin:
    one = json.loads(line)
    with asked.open("a") as log:
        log.write(one["id"] + "\\n")
    print(json.dumps({"id": one["id"], "logits": answers[one["id"]]}))
"""


def section(**said: Any) -> Any:
    """Returns the section of a recipe."""
    found: Any = TypeAdapter(Teacher).validate_python(said)
    return found


class Bare(nn.Module):
    """A network as people write them: its own names, no normalisation inside."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.inner = network

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.inner(values)["logits"]
        return logits


class World:
    """A project folder, data, and a teacher in every form."""

    def __init__(self, folder: Path, data: PreparedData, trained: Trained) -> None:
        self.folder, self.data, self.network = folder, data, trained.network.eval()
        self.record = _record(data)

    def work(self, name: str = "scratch", **fields: Any) -> TeacherWork:
        """Returns where a teacher is made."""
        scratch = self.folder / name
        scratch.mkdir(exist_ok=True)
        given = {"splits": EVERY_SPLIT} | fields
        return TeacherWork(
            self.folder, scratch, self.folder / "store", self.record, self.data, 0, silent, _nothing, **given
        )

    def make(self, name: str = "scratch", **said: Any) -> MadeTeacher:
        """Returns the teacher of a section."""
        teacher: TeacherSection = section(**said)
        return kind_of(teacher).make(teacher, self.work(name))

    def look(self, known: bool = True, **said: Any) -> None:
        """Looks at the teacher of a section, with the targets of the data known or not."""
        card = self.data.card
        place = Place(self.folder, card.task, card.input, sized=True, targets=card.targets if known else None)
        teacher: TeacherSection = section(**said)
        kind_of(teacher).look(teacher, place)

    def logits(self, network: nn.Module, split: str = "validation") -> NDArray[np.float32]:
        """Returns what a teacher answers for a split."""
        with torch.no_grad():
            answers = [
                network({name: torch.from_numpy(values) for name, values in some.inputs.items()})["logits"]
                for some in samples_of(self.data, [split])
            ]
        found: NDArray[np.float32] = torch.cat(answers).numpy()
        return found

    def table(self) -> pd.DataFrame:
        """Returns the answers to all samples with ids."""
        splits = [split for split in EVERY_SPLIT if split in self.data.card.splits]
        ids = [one for some in samples_of(self.data, splits) for one in some.ids]
        logits = np.concatenate([self.logits(self.network, split) for split in splits])
        return pd.DataFrame(logits.astype(np.float64), columns=list(self.data.targets.names)).assign(id=ids)

    def weights(self) -> dict[str, Any]:
        """Saves the bare weights, and returns the section for them."""
        save_file(self.network.body.state_dict(), self.folder / "teacher.safetensors")
        mean, std = (tuple(map(float, some.flatten())) for some in (self.network.mean, self.network.std))
        architecture = self.network.architecture.model_dump()
        normalise = {"mean": mean, "std": std}
        return {"weights": "teacher.safetensors", "architecture": architecture, "normalise": normalise}

    def onnx(self, **said: Any) -> dict[str, Any]:
        """Exports the teacher as this project does, raw values in; returns the section."""
        export_onnx(self.network, self.folder / "teacher.onnx")
        return {"kind": "onnx", "file": "teacher.onnx", **said}

    def bare_onnx(self, batch: int | None = None, nhwc: bool = False) -> None:
        """Exports the body alone as other people do: normalised values in, one fixed batch, maybe channels last."""
        bare: nn.Module = Bare(self.network.body)
        if nhwc:
            bare = nn.Sequential(_ToChannelsFirst(), bare)
        shape = (batch or 2, *self.data.card.input.shape)
        example = torch.zeros(shape).permute(0, 2, 3, 1) if nhwc else torch.zeros(shape)
        dynamic = None if batch else ({0: torch.export.Dim("batch")},)
        program = torch.onnx.export(
            bare.eval(), (example,), dynamo=True, external_data=False, dynamic_shapes=dynamic, verbose=False
        )
        assert program is not None
        onnx.save(program.model_proto, self.folder / "bare.onnx")

    def program(self, text: str = PROGRAM, **said: Any) -> dict[str, Any]:
        """Writes a program that answers, and returns the section that starts it."""
        (self.folder / "teach.py").write_text(text)
        table = self.table().set_index("id")
        answers = dict(zip(table.index, table.to_numpy().tolist(), strict=True))
        (self.folder / "answers.json").write_text(json.dumps(answers))
        command = [sys.executable, "teach.py"]
        return {"kind": "command", "command": command, "gives": "logits", "batch_size": 64, "retries": 0, **said}

    def asked(self) -> list[str]:
        """Returns the ids that the program was asked about, and forgets them."""
        log = self.folder / "asked.txt"
        found = log.read_text().splitlines() if log.is_file() else []
        log.unlink(missing_ok=True)
        return found


class _ToChannelsFirst(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.permute(0, 3, 1, 2)


def _record(data: PreparedData) -> DataRecord:
    card = data.card
    return DataRecord(
        name=card.name,
        version="v",
        card_sha256=sha256_of(data.directory / CARD),
        directory=str(data.directory),
        task=card.task,
        input=card.input,
        columns=card.columns,
        targets=card.targets,
        preprocessing=card.preprocessing,
        samples={name: split.samples for name, split in card.splits.items()},
    )


def _nothing(_epoch: int, _metrics: object) -> None: ...


@pytest.fixture
def world(tmp_path: Path, image_data: PreparedData, teacher: Trained) -> World:
    """The tiny pictures, and a teacher that is right on nearly all of them."""
    folder = tmp_path / "project"
    folder.mkdir()
    return World(folder, image_data, teacher)


Factory = Callable[..., nn.Module]


def own_head(input: InputSpec, outputs: int) -> nn.Module:  # noqa: A002 - as factories are called
    """Is a factory whose network gives an object with `logits`, as those of transformers do."""

    class Answer:
        def __init__(self, logits: torch.Tensor) -> None:
            self.logits = logits

    class Theirs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.head = nn.Linear(int(np.prod(input.shape)), 3)

        def forward(self, values: torch.Tensor) -> Answer:
            return Answer(self.head(values.flatten(1)))

    assert outputs == len(("ash", "birch", "cedar")), "it knows its own head"
    return Theirs()


__all__ = ["DataSpec", "World", "own_head", "section"]
