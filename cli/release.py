"""`stillhouse report`, `bom` and `prove`: what there is to know of one release, here and on another processor."""

import os
import webbrowser
from pathlib import Path
from typing import Annotated, Optional, get_args

import typer

from cli.lineage import meant
from cli.options import ModelName, Reason
from cli.output.console import say, say_json
from params.compress import ProcessorKind
from tasks.contracts.proofs import Proof
from tasks.contracts.releases import Release
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, RefusedError, mismatch
from tasks.core.workspace import project_root
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.bom import bill_of_materials
from tasks.registry.lineage.project import ancestry_of
from tasks.registry.removal import refuse_removed
from tasks.runtime.proof.receipt import read_receipt_file

ISA: ProcessorKind = "arm64"
"""what is emulated here"""
PAGE = "report.html"


def report(
    model: ModelName,
    version: Annotated[Optional[int], typer.Option(help="Default: the newest.")] = None,  # noqa: UP045
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Open the report of a release, and say where it is."""
    prepare_environment()
    release = _release(model, version)
    from tasks.tracking.artifacts import here
    from tasks.tracking.runs import artifacts_of

    page = here(f"{artifacts_of(release.run_id)}/{PAGE}")
    if not page.is_file():
        do = f"`stillhouse promote {model} --to staging --version {release.version}` writes it again"
        raise InputError(mismatch(str(page), "", "the report of a release", "no file", do))
    say(f"report: {os.path.relpath(page)}")
    if browser:
        webbrowser.open(page.as_uri())


def bom(
    environment: Annotated[str, typer.Argument(help="staging or edge.")] = "edge",
    model: Annotated[Optional[str], typer.Option(help="Needed where several models lead there.")] = None,  # noqa: UP045
    version: Annotated[Optional[int], typer.Option(help="Default: the champion of the environment.")] = None,  # noqa: UP045
) -> None:
    """Print what a release is made of as a CycloneDX ML-BOM."""
    prepare_environment()
    history = History.load()
    releases = [*meant(environment, model, version, history, "bom")]
    if len(releases) > 1:
        got = ", ".join(release.model for release in releases)
        raise InputError(mismatch("stillhouse bom", "--model", "one model", got, "name one of them"))
    (release,) = releases
    ingredients = ledger.ingredients_of(release)
    libraries = ingredients.libraries if ingredients else {}
    say_json(bill_of_materials(release, ledger.evaluation_of(release), ancestry_of(release, history), libraries))


def _release(model: str, version: int | None) -> Release:
    history = History.load(model)
    found = ledger.latest_release(model, history) if version is None else ledger.release_of(model, version)
    if found is None:
        got = "none" if version is None else f"no version {version}"
        do = f"`stillhouse run {model}` makes one, `stillhouse history {model}` lists them"
        raise InputError(mismatch("stillhouse report", model, "a release", got, do))
    refuse_removed(found, history)
    return found


def prove(
    model: ModelName,
    version: Annotated[Optional[int], typer.Option(help="Default: the newest.")] = None,  # noqa: UP045
    samples: Annotated[int, typer.Option(min=1, max=100_000, help="Test samples it is asked about at most.")] = 1_000,
    pack: Annotated[Optional[Path], typer.Option(help="Write the samples for a device, and end.")] = None,  # noqa: UP045
    receipt: Annotated[Optional[Path], typer.Option(help="What a device answered.")] = None,  # noqa: UP045
    key: Annotated[str, typer.Option(help="With --receipt: the key of the device, as it prints it.")] = "",
    on: Annotated[str, typer.Option("--on", help="With --receipt: x86, x86-vnni or arm64.")] = ISA,
    reason: Reason = "by hand",
) -> None:
    """Compare what a release answers on another processor, emulated or real, with here."""
    prepare_environment()
    release = _release(model, version)
    if pack is not None:
        _pack(release, samples, pack)
        return
    proof = _proof(release, samples, receipt, key, on)
    from tasks.registry.promotion import prove as record

    record(release, proof, reason)
    say(
        ("proven" if proof.passed else "refused", "green" if proof.passed else "red"),
        f" {_named(release)}: {proof.words}",
    )
    if not proof.passed:
        raise RefusedError(f"{_named(release)} answers otherwise on {proof.isa}: {proof.words}")


def _proof(release: Release, samples: int, receipt: Path | None, key: str, on: str) -> Proof:
    """Returns what a device said, or what emulation comes to."""
    from tasks.evaluate.proving import compared
    from tasks.registry.gate.gate_inputs import unpacked

    if on not in get_args(ProcessorKind):
        raise InputError(
            mismatch("stillhouse prove", "--on", ", ".join(get_args(ProcessorKind)), on, "take one of them")
        )
    isa: ProcessorKind = on  # type: ignore[assignment]  # one of them
    with unpacked(release) as bundle:
        if receipt is None:
            from infra.emulation.run import emulated_answers

            asked = _samples(release, bundle, samples)
            return compared(bundle, asked, emulated_answers(bundle, asked), ISA, emulated=True)
        told = read_receipt_file(receipt)
        if not key or told.key != key:
            got = told.key or "no signature"
            do = "give the key that `stillhouse-edge prove` printed on the device itself: --key ..."
            raise InputError(mismatch(str(receipt), "key", key or "--key, that of the device", got, do))
        return compared(bundle, _samples(release, bundle, samples), told, isa, emulated=False)


def _samples(release: Release, bundle: Path, most: int) -> bytes:
    from tasks.data.versions.versions_store import CACHE, at_hand
    from tasks.evaluate.proving import proof_samples
    from tasks.registry.ledger.entries import evaluation_of

    with at_hand(evaluation_of(release).data, project_root() / CACHE) as data:
        return proof_samples(bundle, data, most)


def _pack(release: Release, samples: int, path: Path) -> None:
    from tasks.registry.gate.gate_inputs import unpacked

    with unpacked(release) as bundle:
        path.write_bytes(_samples(release, bundle, samples))
    say(f"{path}: samples of {_named(release)}; on a device that runs it: stillhouse-edge prove {path.name}")


def _named(release: Release) -> str:
    return f"{release.model} version {release.version}"
