"""What trained a model is what its device takes, by command and HTTP: rows of CSV, records by name, picture files."""

import base64
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from tasks.contracts.records import InputSpec
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.session import Session
from tasks.runtime.cli import main
from tasks.runtime.device import Device
from tasks.runtime.preprocess.cells import TableColumn
from tasks.runtime.preprocess.picture_format import PictureFormat
from tasks.runtime.preprocess.table import TablePreprocessor
from tests.runtime.conftest import FACTS, mean_model
from tests.runtime.devices import set_up
from tests.runtime.serving import JSON, Served, serving
from tests.runtime.tuf_world import World

COLUMNS = (
    TableColumn("PK", "number", fill="2.0", indicator=True),
    TableColumn("[kind]", "category", categories=("red", "wide, blue")),
)
CSV = 'note,PK,[kind]\nx,1,red\ny,,"wide, blue"\nz,3,gr\u00fcn\n'
RECORDS = [{"PK": 1, "[kind]": "red"}, {"PK": None, "[kind]": "wide, blue"}, {"PK": 3, "[kind]": "gr\u00fcn"}]
FEATURES = [[1, 0, 1, 0], [2, 1, 0, 1], [3, 0, 0, 0]]
NOTE = "`[kind]`: `gr\u00fcn` is in no sample that the model was trained with"
Answers = list[dict[str, Any]]


def device_of(folder: Path, spec: InputSpec, preprocessing: Mapping[str, Any]) -> Device:
    model = mean_model(spec)
    golden = golden_of(Session(model), {"inputs": np.ones((2, *spec.shape), spec.dtype)})
    write_bundle(folder / "bundle", replace(FACTS, preprocessing=preprocessing, layout=spec.layout), model, golden)
    world = World()
    world.publish({path.name: path.read_bytes() for path in (folder / "bundle").iterdir()}, 1)
    device = set_up(folder / "home", world)
    device.update()
    return device


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    spec = InputSpec(layout="vector", dtype="float32", shape=(4,))
    with serving(device_of(tmp_path_factory.mktemp("table"), spec, TablePreprocessor(COLUMNS).facts())) as served:
        yield served


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    spec = InputSpec(layout="image", dtype="uint8", shape=(3, 4, 4))
    with serving(device_of(tmp_path_factory.mktemp("pictures"), spec, PictureFormat((4, 4)).facts())) as served:
        yield served


def run(device: Device, file: Path, capsys: pytest.CaptureFixture[str]) -> Answers:
    main(["run", str(file), "--home", str(device.home.path)])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def picture(name: str, grey: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), (grey,) * 3).save(stream, name)
    return stream.getvalue()


def form(*files: bytes) -> tuple[bytes, dict[str, str]]:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%s\r\n'
    return b"".join(part % file for file in files) + b"--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


def test_a_table_is_taken_as_it_lies_there(table: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = table.device.predictor().predict({"inputs": np.array(FEATURES, np.float32)})
    expected[2]["notes"] = [NOTE]
    for name, content in {
        "rows.csv": CSV.encode(),
        "mark.csv": b"\xef\xbb\xbf" + CSV.encode(),
        "tabs.tsv": CSV.replace('"wide, blue"', "wide; blue").replace(",", "\t").replace(";", ",").encode("utf-16"),
        "packed.csv.gz": gzip.compress(b"sep=;\r\n" + CSV.replace(",", ";").replace("wide;", "wide,").encode()),
        "records.json": json.dumps(RECORDS).encode(),
        "named.json": json.dumps({"records": RECORDS}).encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert run(table.device, tmp_path / name, capsys) == expected
    for content, kind in ((CSV.encode(), "text/csv"), (json.dumps({"records": RECORDS}).encode(), "application/json")):
        assert table.ask("POST", "/predict", content, Content_Type=kind)[2]["predictions"] == expected
    content, headers = form(CSV.encode(), json.dumps(FEATURES).encode())
    answers = table.ask("POST", "/predict", content, **headers)[2]["predictions"]
    assert [answer.get("notes") for answer in answers] == [None, None, [NOTE], None, None, None]


def test_a_gzip_file_that_breaks_off_is_told(table: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(CSV.encode())[:-9])
    with pytest.raises(SystemExit) as end:
        main(["run", str(tmp_path / "rows.csv.gz"), "--home", str(table.device.home.path)])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("`inputs`: expected a whole gzip file, got ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n", "expected the columns `PK`, `[kind]` too"),
        (b"", "an empty file"),
        (b"PK,[kind]\none,red\n", "expected a number in column `PK`, got `one`"),
        (b'{"records": []}', "expected objects"),
        (b'{"records": [{"PK": 1}]}', "expected the columns `[kind]` too"),
        (b'{"records": [{"PK": [], "[kind]": "red"}]}', "`record 1`: `PK`: expected a number or null"),
        (b'{"records": [1]}', "expected objects"),
        (b'{"records": [{}], "inputs": []}', "expected an object with `inputs`"),
    ],
)
def test_a_wrong_table_is_answered_with_what_is_wrong(table: Served, content: bytes, expected: str) -> None:
    kind = JSON if content.startswith(b"{") else {"Content-Type": "text/csv"}
    status, _, answer = table.ask("POST", "/predict", content, **kind)
    assert (status, expected in answer["error"]) == (400, True), answer


def test_the_document_follows_the_model(table: Served, pictures: Served) -> None:
    def content(served: Served) -> dict[str, Any]:
        document = served.ask("GET", "/openapi.json")[2]
        found: dict[str, Any] = document["paths"]["/predict"]["post"]["requestBody"]["content"]
        return found

    schema = content(table)["application/json"]["schema"]
    for right in ({"records": RECORDS}, RECORDS, {"inputs": FEATURES}, FEATURES):
        jsonschema.validate(right, schema)
    refused: list[object] = [{"records": []}, {"records": [{"PK": 1}]}, {"records": RECORDS * 400}, {"rows": RECORDS}]
    for wrong in refused:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    assert "text/csv" in content(table)
    assert {"image/png", "image/jpeg", "multipart/form-data"} < {*content(pictures)}
    assert "text/csv" not in content(pictures)


def test_a_picture_is_taken_as_a_file(pictures: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = pictures.device.predictor().predict({"inputs": np.full((1, 3, 4, 4), 90, np.uint8)})
    for name in ("PNG", "JPEG"):
        file, kind = picture(name, 90), f"image/{name.lower()}"
        (tmp_path / name).write_bytes(file)
        assert run(pictures.device, tmp_path / name, capsys) == expected
        assert pictures.ask("POST", "/predict", file, Content_Type=kind)[2]["predictions"] == expected
        record = {"records": [{"image": base64.b64encode(file).decode()}]}
        assert pictures.ask("POST", "/predict", json.dumps(record).encode(), **JSON)[2]["predictions"] == expected
    several, headers = form(picture("PNG", 90), picture("JPEG", 10))
    answers = pictures.ask("POST", "/predict", several, **headers)[2]["predictions"]
    assert (answers[0], len(answers)) == (expected[0], 2)
    status, _, answer = pictures.ask("POST", "/predict", picture("PNG", 9)[:40], Content_Type="image/png")
    assert (status, "expected" in answer["error"]) == (400, True)


def test_a_form_that_holds_no_files_is_refused(table: Served) -> None:
    _, headers = form()
    for content in (b"--b--\r\n", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', b"no form"):
        assert table.ask("POST", "/predict", content, **headers)[0] == 400
    status, _, answer = table.ask("POST", "/predict", b"", Content_Type="multipart/form-data")
    assert (status, "error" in answer) == (400, True)
