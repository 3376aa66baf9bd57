from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.contracts.releases import Release
from tasks.core.errors import InputError, IntegrityError
from tasks.core.files import local_path
from tasks.registry.channel.creation import create
from tasks.registry.channel.paths import keys_dir, metadata_dir
from tasks.registry.channel.settings import Days
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import History
from tasks.registry.promotion import AuditFinding, audit, carry_out, reconcile, roll_back
from tasks.registry.versions import alias_target, ensure_version
from tasks.tracking import runs
from tests.registry.made_channel import Device, bundle, make_release, passed


@pytest.fixture
def registry(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real MLflow on a new SQLite file, beside the ledger."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    home.mkdir()
    runs.client.cache_clear()
    yield
    runs.client.cache_clear()


def registered(home: Path, version: int) -> Release:
    release = make_release(home, "digits", version)
    source = release.bundle[0].uri.rpartition("/")[0]
    experiment = runs.client().get_experiment_by_name("Default")
    assert experiment is not None
    run = runs.client().create_run(experiment.experiment_id)
    assert ensure_version("digits", release.fingerprint, source, run.info.run_id, {}) == version
    return release


def test_promotions_and_rollbacks_publish_and_what_was_cut_off_is_finished(
    registry: None, home: Path, device: Device
) -> None:
    """One story, because a new MLflow takes long to make."""
    first, second, third = (registered(home, version) for version in (1, 2, 3))
    carry_out(first, passed(), "before there was a channel")
    create("edge", home.parent / "root-keys", 1, 1, Days())
    assert device.update() == bundle(first)
    carry_out(second, passed(p95=5), "better")
    assert device.update() == bundle(second)
    assert roll_back("digits", "edge", "drops frames").version == 1
    assert device.update() == bundle(first)
    assert audit(repair=False) == ()
    _finished_by_the_next(device, second, first)
    _nothing_is_recorded_that_cannot_be_published(home, device, third, first)
    _audit_puts_right(device, first)


def _finished_by_the_next(device: Device, release: Release, before: Release) -> None:
    """Publishes what was intended, whatever of it was done already."""
    append(History.load(), "intended", "digits", "edge", release.version, "better", passed())
    assert device.update() == bundle(before)
    (said,) = reconcile()
    assert f"version {release.version} is promoted in edge" in said
    assert alias_target("digits", "edge") == History.load("digits").champion("digits", "edge") == release.version
    assert device.update() == bundle(release)
    roll_back("digits", "edge", "enough")
    assert audit(repair=False) == ()


def _nothing_is_recorded_that_cannot_be_published(home: Path, device: Device, bad: Release, leads: Release) -> None:
    path = local_path(bad.bundle[1].uri)
    assert path is not None
    good = path.read_bytes()
    path.write_bytes(b"changed")
    rows = len(History.load().decisions)
    with pytest.raises(IntegrityError, match="expected sha256"):
        carry_out(bad, passed(), "better")
    path.write_bytes(good)
    (key,) = keys_dir("edge").glob("targets-*.pem")
    key.rename(home / key.name)
    with pytest.raises(InputError, match="rotate edge --role targets"):
        carry_out(bad, passed(), "better")
    (home / key.name).rename(key)
    assert len(History.load().decisions) == rows
    assert (alias_target("digits", "edge"), device.update()) == (leads.version, bundle(leads))


def _audit_puts_right(device: Device, leads: Release) -> None:
    (metadata_dir("edge") / "timestamp.json").write_bytes(b"{}")
    (finding,) = audit(repair=False)
    assert "`timestamp`: expected metadata that devices accept" in finding.text
    assert audit(repair=True) == (AuditFinding(f"{finding}; published again", repaired=True),)
    assert audit(repair=False) == ()
    assert device.update() == bundle(leads)
