"""Publication: files first, then the metadata that names them, and last `timestamp.json`, which makes it valid.

A device starts at `timestamp.json`: whatever was written before it was replaced is of no effect, so that a publication
that is cut off anywhere leaves the state before, and the next one is complete.
"""

from collections.abc import Mapping, Sequence

from tuf.api.metadata import TargetFile

from tasks.contracts.releases import Verdict
from tasks.registry.channel import atomic_write
from tasks.registry.channel.contents import ChannelFile, bundle_of, contents, serve
from tasks.registry.channel.keys import online_signer
from tasks.registry.channel.paths import channels, keys_dir, served_root
from tasks.registry.channel.roots import current_root, serve_roots
from tasks.registry.channel.settings import ONLINE, Days, Online, read_settings
from tasks.registry.channel.signing import issue, onward
from tasks.registry.channel.view import View, view
from tasks.registry.ledger.history import History
from tasks.registry.versions import registry_lock


def prepare(model: str, version: int, verdict: Verdict) -> None:
    """Puts the files of a version into the channel of its environment, if there is one; no metadata names them yet.

    Raises:
        IntegrityError: a file of it is gone, or is not what the ledger says.
        InputError: a key that is needed to publish is not there.
    """
    environment = verdict.environment
    if environment in channels():
        root = current_root(environment).signed
        for role in ONLINE:
            online_signer(environment, role, root)
        serve(environment, bundle_of(model, version, verdict))


def publish(environment: str, history: History | None = None) -> tuple[Online, ...]:
    """Makes the channel of an environment hold what the ledger says; nothing is written where it does already.

    Metadata that is in the last third of its time is signed again.

    Args:
        environment: which has a channel.
        history: of all models, read under the registry lock; None to read it now.

    Returns:
        the roles whose metadata was signed.

    Raises:
        IntegrityError, InputError: as `prepare` does.
    """
    with registry_lock():
        listed = bring_in(environment, history or History.load())
        seen, root = view(environment), current_root(environment).signed
        stale = stale_roles(seen, listed, read_settings(environment).days)
        if stale:
            issue(environment, seen, listed, stale, {role: [online_signer(environment, role, root)] for role in stale})
        return stale


def bring_in(environment: str, history: History) -> dict[str, TargetFile]:
    """Puts in place what the metadata will name, and the roots; returns the files by name, as metadata lists them.

    Raises:
        IntegrityError: a file of a release is gone, or is not what the ledger says.
    """
    for folder in (served_root() / environment, keys_dir(environment)):
        atomic_write.sweep(folder)
    wanted = contents(environment, history)
    serve(environment, wanted)
    serve_roots(environment)
    return by_name(wanted)


def by_name(wanted: Sequence[ChannelFile]) -> dict[str, TargetFile]:
    """Returns files as metadata lists them."""
    return {file.target.path: file.target for file in wanted}


def stale_roles(seen: View, listed: Mapping[str, TargetFile], days: Days) -> tuple[Online, ...]:
    """Returns the roles to sign: the first whose metadata is wrong or near its expiry, and those behind it."""
    if seen.problem or seen.targets.targets != listed:
        return ONLINE
    near = [role for role in ONLINE if days.is_near(role, seen.signed[role].expires)]
    return onward(near[0]) if near else ()
