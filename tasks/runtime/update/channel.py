"""How a release channel is laid out: what the publisher writes, and the device expects.

A channel is the directory of one TUF repository per environment, plain files for any static web server:

    ENVIRONMENT/metadata/   N.root.json, N.targets.json, N.snapshot.json, timestamp.json
    ENVIRONMENT/targets/    MODEL/SHA256.FILE, one per file of the bundle (consistent snapshots)

Invariants: the targets `MODEL/...` are exactly the bundle of the release that leads the environment, none where nobody
does; the target `MODEL/manifest.json` carries what the manifest itself does not know, as its custom fields.
"""

from ..bundle.manifest import MANIFEST

METADATA = "metadata"
TARGETS = "targets"
ROOT = "root.json"
VERSION = "version"
"""custom field: the version in the registry"""
P95_MS = "p95_ms"
"""custom field: the milliseconds that the gate allowed for one sample, null for no limit; digits in a text, "0.25" say,
because the JSON that TUF signs has no fractions"""


def target_path(model: str, file: str) -> str:
    """Returns the name of a file of a model's bundle in the channel."""
    return f"{model}/{file}"


def manifest_path(model: str) -> str:
    """Returns the name of the manifest of a model."""
    return target_path(model, MANIFEST)
