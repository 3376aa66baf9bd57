"""Does a channel hold what the ledger says, and will devices still accept it in some days?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tasks.core.errors import IntegrityError
from tasks.core.files import sha256_of
from tasks.registry.channel.contents import ChannelFile, contents
from tasks.registry.channel.keys import readable_by_others
from tasks.registry.channel.paths import metadata_dir
from tasks.registry.channel.publication import by_name
from tasks.registry.channel.roots import wrong_roots
from tasks.registry.channel.status import signatures, versions_of
from tasks.registry.channel.view import View, view
from tasks.registry.ledger.history import History

SOON = timedelta(days=3)
"""before an expiry that is then reported"""


def inspect(environment: str, history: History) -> Iterator[str]:
    """Yields in words what is wrong with a channel by the history of all models; writes nothing."""
    try:
        wanted = contents(environment, history)
    except IntegrityError as error:
        yield str(error)
        return
    seen = view(environment)
    for path in wrong_roots(environment):
        yield f"`{path}`: expected the root that was signed, got {'another one' if path.is_file() else 'no file'}"
    if seen.problem:
        yield seen.problem
    else:
        yield from _differences(environment, wanted, seen)
    yield from _damaged(environment, wanted)
    yield from _expiring(environment, seen)
    for path, mode in readable_by_others(environment):
        yield f"`{path}`: expected a key that its owner alone may read, got mode {mode:03o}; chmod 600 {path}"


def _differences(environment: str, wanted: tuple[ChannelFile, ...], seen: View) -> Iterator[str]:
    listed = by_name(wanted)
    meant, found = versions_of(listed), versions_of(seen.targets.targets)
    for model in sorted({*meant, *found}):
        if meant.get(model) != found.get(model):
            yield f"channel `{environment}`: `{model}`: expected version {meant.get(model)}, got {found.get(model)}"
    if meant == found and listed != seen.targets.targets:
        yield f"channel `{environment}`: `targets`: expected the bundles of the champions, got other files"


def _damaged(environment: str, wanted: tuple[ChannelFile, ...]) -> Iterator[str]:
    for file in wanted:
        if not file.is_served(environment):
            path = file.served(environment)
            got = sha256_of(path) if path.is_file() else "no file"
            yield f"`{path}`: expected sha256 {file.artefact.sha256}, got {got}"


def _expiring(environment: str, seen: View) -> Iterator[str]:
    """Yields what expires soon, and a root that has expired; other expired metadata is a problem of the view."""
    for signature in signatures(environment, seen):
        if signature.near and signature.expires - datetime.now(UTC) < SOON:
            keys = " --root-keys DIR" if signature.role == "root" else ""
            yield (
                f"`{metadata_dir(environment)}`: `{signature.role}`: expected to be valid for days, got an end at"
                f" {signature.expires:%Y-%m-%d %H:%M} UTC; stillhouse channel refresh {environment}{keys}"
            )
