"""What `infra/` describes, read as data: services, containers, and the stages of images."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
INFRA = REPOSITORY / "infra"
IMAGES = ("stillhouse", "edge")
SECRET = re.compile("PASSWORD|SECRET|KEY")
"""in the name of a variable that must not be written down"""


@dataclass(frozen=True)
class Described:
    """A container, wherever it is described."""

    name: str
    image: str
    command: list[str]
    variables: dict[str, str]
    """name -> value as written; empty where it comes from a Kubernetes secret"""


def compose() -> dict[str, Any]:
    """Returns the compose file with its anchors and merges resolved."""
    content: dict[str, Any] = yaml.safe_load((INFRA / "compose.yaml").read_text())
    return content


def kustomization() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((INFRA / "kustomization.yaml").read_text())
    return content


def manifests() -> list[dict[str, Any]]:
    """Returns every Kubernetes object."""
    files = [INFRA / name for name in kustomization()["resources"]]
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the name and the pod specification of each workload."""
    for manifest in manifests():
        if "template" in manifest.get("spec", {}):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


def in_compose() -> list[Described]:
    return [
        Described(name, service["image"], service.get("command", []), service.get("environment", {}))
        for name, service in compose()["services"].items()
    ]


def in_kubernetes() -> list[Described]:
    return [
        Described(
            container["name"],
            container["image"],
            container.get("command") or container.get("args") or [],
            {one["name"]: one.get("value", "") for one in container.get("env", [])},
        )
        for _, pod in pods()
        for container in pod["containers"]
    ]


def instructions(image: str) -> list[tuple[str, str]]:
    """Returns the instructions of a Dockerfile in order: word and rest, continued lines joined."""
    text = (INFRA / f"images/{image}.Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def last_stage(image: str) -> list[tuple[str, str]]:
    """Returns the instructions that make what runs."""
    found = instructions(image)
    start = max(place for place, (word, _) in enumerate(found) if word == "FROM")
    return found[start:]
