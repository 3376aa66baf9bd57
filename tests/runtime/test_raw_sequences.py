"""Files of sequences as they trained a model, given to its device by command and HTTP."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.contracts.records import InputSpec
from tasks.runtime.device import Device
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.cells import TableColumn
from tasks.runtime.preprocess.long_table import LongTablePreprocessor
from tasks.runtime.preprocess.sequence_arrays import SequenceArraysPreprocessor
from tasks.runtime.preprocess.wide_table import WideTablePreprocessor
from tests.runtime.serving import JSON, serving
from tests.runtime.test_raw_input import device_of, run

SPEC = InputSpec(layout="sequence", dtype="float32", shape=(3, 2))
COLUMNS = (TableColumn("x", "number"), TableColumn("y", "number"))
LONG = LongTablePreprocessor("walk", "t", COLUMNS).facts()
WIDE = WideTablePreprocessor(("x0", "y0", "x1", "y1", "x2", "y2"), 2).facts()
ARRAYS = SequenceArraysPreprocessor(2, ("X",), ("n",)).facts()
INPUTS = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [0, 0], [0, 0]]], np.float32)
LENGTHS = np.array([3, 1])
LONG_CSV = "label,walk,t,x,y\nup,a,0,1,2\nup,a,1,3,4\nup,a,2,5,6\n,b,0,7,8\n"
WIDE_CSV = "name;x0;y0;x1;y1;x2;y2\na;1;2;3;4;5;6\nb;7;8\n"
RECORDS = [{"x": [1, 3, 5], "y": [2, 4, 6]}, {"x": [7], "y": [8]}]


def expected(device: Device) -> list[dict[str, Any]]:
    return device.predictor().predict({"inputs": INPUTS, "lengths": LENGTHS})


@pytest.mark.parametrize(
    ("facts", "name", "text"),
    [
        (LONG, "walks.csv", LONG_CSV),
        (LONG, "walks.tsv", LONG_CSV.replace(",", "\t")),
        (LONG, "records.json", json.dumps({"records": RECORDS})),
        (WIDE, "walks.csv", WIDE_CSV),
        (ARRAYS, "records.json", json.dumps({"records": [{"inputs": INPUTS[0].tolist()}, {"inputs": [[7, 8]]}]})),
    ],
)
def test_files_are_taken_as_they_lie_there(
    facts: Mapping[str, Any], name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device = device_of(tmp_path, SPEC, facts)
    (tmp_path / name).write_text(text)
    assert run(device, tmp_path / name, capsys) == expected(device)


def test_arrays_are_taken_by_the_names_of_training_whatever_their_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device = device_of(tmp_path, SPEC, ARRAYS)
    for names in (("X", "n"), ("inputs", "lengths")):
        some: dict[str, Any] = dict(zip(names, (INPUTS.astype(np.int64), LENGTHS), strict=True))
        np.savez(tmp_path / "walks.npz", y=np.zeros(2), **some)
        assert run(device, tmp_path / "walks.npz", capsys) == expected(device)
    np.savez(tmp_path / "bare.npz", X=INPUTS)
    with pytest.raises(WrongInputError, match="`n`: expected one of the arrays `X`, got no such array"):
        device.predictor().preprocessor.from_file((tmp_path / "bare.npz").read_bytes())


def test_http_takes_the_same_and_says_what_is_wrong(tmp_path: Path) -> None:
    with serving(device := device_of(tmp_path, SPEC, LONG)) as served:
        answers = served.ask("POST", "/predict", LONG_CSV.encode(), Content_Type="text/csv")[2]["predictions"]
        assert answers == expected(device)
        asked = json.dumps({"records": RECORDS}).encode()
        assert served.ask("POST", "/predict", asked, **JSON)[2]["predictions"] == answers
        bad = LONG_CSV.replace("1,3,4", "1,3,").encode()
        status, _, answer = served.ask("POST", "/predict", bad, Content_Type="text/csv")
        assert status == 400
        assert "`a`: line 3: expected a value in column `y`, got none" in answer["error"]
