"""What a gate must know of a release beside its evaluation: who approved it, where it leads, whether it still runs."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from params.promote import Gate
from tasks.contracts.releases import Release
from tasks.core.errors import IntegrityError
from tasks.registry.gate.approval import approval_of, hours_led
from tasks.registry.ledger import decisions
from tasks.registry.ledger.chain import aware
from tasks.runtime.bundle.bundle import self_test
from tasks.runtime.errors import RuntimeBundleError
from tasks.tracking.runs import fetch


@dataclass(frozen=True)
class Candidacy:
    """A release in front of the gate of one environment, at one moment.

    Attributes:
        in_required: whether it leads the environment that the gate requires.
        hours: that it has led that one without interruption.
        approved_by: who said that it may enter, None where nobody did.
        approved_at: when.
        difference: largest difference of its golden logits in the runtime now; None where it does not pass its
            self-test.
        failure: why not, in words.
    """

    in_required: bool = False
    hours: float = 0.0
    approved_by: str | None = None
    approved_at: datetime | None = None
    difference: float | None = 0.0
    failure: str = ""


def candidacy(release: Release, environment: str, gate: Gate) -> Candidacy:
    """Returns what the ledger and the runtime say now of a release that wants into an environment."""
    model, version, required = release.model, release.version, gate.requires
    approval = approval_of(model, environment, version)
    difference, failure = _tested(release)
    return Candidacy(
        in_required=required is not None and decisions.champion(model, required) == version,
        hours=hours_led(model, required, version) if required else 0.0,
        approved_by=approval.who if approval else None,
        approved_at=aware(approval.time) if approval else None,
        difference=difference,
        failure=failure,
    )


@contextmanager
def unpacked(release: Release) -> Iterator[Path]:
    """Yields a folder with the files of a release's bundle, wherever MLflow keeps them.

    Raises:
        IntegrityError: a file is gone, or has other bytes than on record.
    """
    with tempfile.TemporaryDirectory() as folder:
        for artefact in release.bundle:
            shutil.copyfile(fetch(artefact), Path(folder, artefact.uri.rpartition("/")[2]))
        yield Path(folder)


def _tested(release: Release) -> tuple[float | None, str]:
    """Runs the self-test of the bundle as a device will; returns the difference, or what is wrong."""
    try:
        with unpacked(release) as folder:
            return self_test(folder), ""
    except (IntegrityError, RuntimeBundleError) as error:
        return None, str(error)
