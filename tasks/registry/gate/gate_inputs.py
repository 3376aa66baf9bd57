"""What a gate must know of a release beside its evaluation: who approved it, where it leads, whether it still runs."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from params.promote import Gate
from tasks.contracts.proofs import ProofCheck
from tasks.contracts.releases import Release
from tasks.core.errors import IntegrityError
from tasks.registry.ledger.history import History
from tasks.runtime.bundle.bundle import self_test
from tasks.runtime.errors import RuntimeBundleError
from tasks.tracking.runs import fetch


@dataclass(frozen=True)
class GateInputs:
    """What the gate of one environment needs of a release beside its evaluation, at one moment.

    Attributes:
        in_required: whether it leads the environment that the gate requires.
        hours: that it has led that one without interruption.
        approved_by: who approved it, None without an approval.
        approved_at: when.
        difference: largest difference of its golden logits in the runtime now; None where it does not pass its
            self-test.
        failure: why not, in words.
        proofs: of each processor that the gate names.
    """

    in_required: bool = False
    hours: float = 0.0
    approved_by: str | None = None
    approved_at: datetime | None = None
    difference: float | None = 0.0
    failure: str = ""
    proofs: tuple[ProofCheck, ...] = ()


def gate_inputs(release: Release, environment: str, gate: Gate, history: History) -> GateInputs:
    """Returns what the ledger and the runtime say now of a release that is to enter an environment."""
    model, version, required = release.model, release.version, gate.requires
    approval = history.approval(model, environment, version)
    difference, failure = _tested(release)
    return GateInputs(
        in_required=required is not None and history.champion(model, required) == version,
        hours=history.hours_led(model, required, version) if required else 0.0,
        approved_by=approval.who if approval else None,
        approved_at=approval.time if approval else None,
        difference=difference,
        failure=failure,
        proofs=tuple(ProofCheck(isa=isa, proof=history.proof(model, version, isa)) for isa in gate.proven_on),
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
