"""The Open Inference Protocol, as a client of somebody else's speaks it."""

import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.runtime.devices import PICTURE, set_up
from tests.runtime.serving import Served, serving
from tests.runtime.tuf_world import Files, World


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, make_bundle: Callable[..., Files]) -> Iterator[Served]:
    world = World()
    world.publish(make_bundle("one"), 1)
    device = set_up(tmp_path_factory.mktemp("served") / "home", world)
    device.update()
    with serving(device, "--max-samples", "100") as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(f"127.0.0.1:{served.port}")
    yield client
    client.close()


def test_a_client_finds_the_server_and_the_model_ready(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tiny")
    assert client.is_model_ready("tiny", "1")
    assert not client.is_model_ready("tiny", "2")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]


def test_a_client_reads_the_tensors_of_the_model(client: triton.InferenceServerClient) -> None:
    for metadata in (client.get_model_metadata("tiny"), client.get_model_metadata("tiny", "1")):
        assert metadata["inputs"] == [{"name": "inputs", "datatype": "UINT8", "shape": [-1, 1, 2, 2]}]
        assert metadata["outputs"] == [{"name": "logits", "datatype": "FP32", "shape": [-1, 3]}]
        assert metadata["versions"] == ["1"]
    with pytest.raises(InferenceServerException, match="expected name tiny, got other"):
        client.get_model_metadata("other")


@pytest.mark.parametrize("binary_input", [True, False])
@pytest.mark.parametrize("binary_output", [True, False])
def test_a_client_gets_the_outputs_of_the_model(
    served: Served, client: triton.InferenceServerClient, binary_input: bool, binary_output: bool
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (70, 1, 2, 2)).astype(np.uint8)
    tensor = triton.InferInput("inputs", list(pictures.shape), "UINT8")
    tensor.set_data_from_numpy(pictures, binary_data=binary_input)
    wanted = [triton.InferRequestedOutput("logits", binary_data=binary_output)]
    result = client.infer("tiny", [tensor], model_version="1", outputs=wanted, request_id="seven")
    expected = served.device.predictor().session.predict({"inputs": pictures})["logits"]
    np.testing.assert_array_equal(result.as_numpy("logits"), expected)
    np.testing.assert_array_equal(client.infer("tiny", [tensor]).as_numpy("logits"), expected)
    assert result.get_response()["id"] == "seven"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"datatype": "FP32"}, "expected uint8, got float32"),
        ({"datatype": "BYTES"}, "`inputs.0.datatype`: expected one of UINT8"),
        ({"shape": [1, 1, 2, 3]}, "`inputs.0.shape`: expected sides for 4 values"),
        ({"shape": [1, 4]}, "expected shape"),
        ({"name": "other"}, "expected `inputs`, got other"),
        ({"data": [1, 2, 3, 256]}, "expected numbers that uint8 can hold"),
        ({"data": None}, "expected lists of numbers"),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_wrong(
    served: Served, changes: dict[str, object], expected: str
) -> None:
    tensor = {"name": "inputs", "datatype": "UINT8", "shape": [1, 1, 2, 2], "data": PICTURE.tolist()} | changes
    status, _, content = served.ask("POST", "/v2/models/tiny/infer", json.dumps({"inputs": [tensor]}).encode())
    assert status == 400
    assert expected in content["error"]


def test_bytes_that_are_missing_are_missed(served: Served) -> None:
    tensor = {"name": "inputs", "datatype": "UINT8", "shape": [1, 1, 2, 2], "parameters": {"binary_data_size": 4}}
    head = json.dumps({"inputs": [tensor]}).encode()
    for body, length in ((head + b"\1\2\3", str(len(head))), (head, "99999"), (head, "-1"), (head + b"\1\2\3\4", "")):
        status, _, _ = served.ask("POST", "/v2/models/tiny/infer", body, Inference_Header_Content_Length=length)
        assert status == 400
