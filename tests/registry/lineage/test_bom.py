"""The bill of materials keeps to the schema that CycloneDX publishes (`cyclonedx/`, Apache-2.0)."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from tasks.contracts.ancestors import Ancestor
from tasks.registry.lineage.bom import bill_of_materials
from tests.evaluate.report.made import evaluation, release

SCHEMAS = Path(__file__).with_name("cyclonedx")
RAW = Ancestor("raw data", {"folder": "data/trees/raw", "md5": "a1.dir", "bytes": "12", "source": "kind folder"})


@pytest.fixture
def bill() -> dict[str, Any]:
    return bill_of_materials(release(), evaluation(), (RAW,), {"numpy": "2.4.6", "torch": "2.13.0"})


def validator() -> Draft7Validator:
    base = "http://cyclonedx.org/schema/"
    found = {
        base + path.name: Resource.from_contents(json.loads(path.read_text(encoding="utf-8")))
        for path in SCHEMAS.iterdir()
    }
    whole = found[f"{base}bom-1.6.schema.json"].contents
    return Draft7Validator(whole, registry=Registry().with_resources(found.items()))


def test_it_is_a_valid_cyclonedx_document(bill: dict[str, Any]) -> None:
    assert [f"{[*error.absolute_path]}: {error.message[:200]}" for error in validator().iter_errors(bill)] == []
    bill["metadata"]["component"]["modelCard"]["modelParameters"]["approach"] = "guessed"
    assert not validator().is_valid(bill)


def test_it_names_what_ships_with_its_bytes_and_numbers_and_all_that_it_is_made_of(bill: dict[str, Any]) -> None:
    shipped = bill["metadata"]["component"]
    assert shipped["hashes"][0]["content"] == evaluation().onnx.sha256
    measured = {one["type"]: one for one in shipped["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]}
    assert float(measured["accuracy"]["value"]) == evaluation().shipped.metrics["accuracy"].value
    parts = {part["name"]: part["type"] for part in bill["components"]}
    assert parts == {
        "student": "machine-learning-model",
        "teacher": "machine-learning-model",
        "trees": "data",
        "data/trees/raw": "data",
        "numpy": "library",
        "torch": "library",
    }
    refs = {shipped["bom-ref"], *(part["bom-ref"] for part in bill["components"])}
    named = {ref for one in bill["dependencies"] for ref in (one["ref"], *one["dependsOn"])}
    assert named <= refs


def test_equal_releases_have_equal_bills(bill: dict[str, Any]) -> None:
    assert bill == bill_of_materials(release(), evaluation(), (RAW,), {"torch": "2.13.0", "numpy": "2.4.6"})
