"""OpenLineage events as a catalogue reads them: what the specification (2-0-2) asks of each is asserted."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from uuid import UUID

ENDS = {"COMPLETE", "FAIL", "ABORT"}
Event = dict[str, Any]


def events_in(path: Path) -> list[Event]:
    """The events of a file, each of them checked."""
    return [checked(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def checked(event: Event) -> Event:
    """Returns an event that has all that the specification asks for."""
    assert event["eventType"] in {"START", *ENDS}
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert is_uri(event["producer"])
    assert is_uri(event["schemaURL"])
    UUID(event["run"]["runId"])
    for named in (event["job"], *event.get("inputs", []), *event.get("outputs", [])):
        assert named["namespace"]
        assert named["name"]
    for facet in _facets(event):
        assert is_uri(facet["_producer"])
        assert is_uri(facet["_schemaURL"])
    return event


def is_uri(text: str) -> bool:
    return bool(urlparse(text).scheme)


def _facets(event: Event) -> list[Event]:
    datasets = [*event.get("inputs", []), *event.get("outputs", [])]
    holders = [event["run"], event["job"], *datasets]
    found = [facet for holder in holders for facet in holder.get("facets", {}).values()]
    return found + [f for d in datasets for key in ("inputFacets", "outputFacets") for f in d.get(key, {}).values()]


def told(events: list[Event]) -> list[tuple[str, str]]:
    """Job and state of each event, in their order."""
    return [(event["job"]["name"], event["eventType"]) for event in events]


def versions(datasets: list[Event]) -> dict[str, str]:
    """Full name -> version."""
    return {
        f"{dataset['namespace']}:{dataset['name']}": dataset["facets"].get("version", {}).get("datasetVersion", "")
        for dataset in datasets
    }
