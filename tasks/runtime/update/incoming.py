"""Downloads a release beside the slots: exactly the files that both the channel and the manifest name."""

from ..bundle.manifest import MANIFEST, Manifest, read_manifest
from ..bundle.verify import Contents, read_verified
from ..errors import ChannelError
from .channel_reader import ChannelReader, Offer, sha256_of
from .home import Home
from .refusals import ASK
from .storage import sync_files


def receive(home: Home, reader: ChannelReader, offer: Offer) -> Contents:
    """Returns the verified bytes of an offered release, which lies in `home.incoming` afterwards.

    Raises:
        ChannelError: files are missing, too many, or others than were signed for.
        ManifestError: this runtime cannot read the manifest.
        TamperedError: what came from the disk is not what went there.
    """
    home.incoming.mkdir()
    manifest = read_manifest(reader.download(offer.files[MANIFEST], home.incoming / MANIFEST))
    _require_same_files(manifest, offer, home.settings().model)
    for file in manifest.files:
        reader.download(offer.files[file.name], home.incoming / file.name)
    sync_files(home.incoming)
    contents = read_verified(home.incoming)
    if contents.release != offer.release:
        raise ChannelError("altered file", f"expected release {offer.release}, got {contents.release}; {ASK}")
    return contents


def _require_same_files(manifest: Manifest, offer: Offer, model: str) -> None:
    if manifest.name != model:
        raise _wrong("wrong target", "name", f"the model `{model}`", manifest.name)
    listed = {file.name: file.sha256 for file in manifest.files}
    signed = {name: sha256_of(file) for name, file in offer.files.items() if name != MANIFEST}
    if extra := signed.keys() - listed.keys():
        raise _wrong("extra file", "files", "all files that the channel serves", f"no `{min(extra)}`")
    if missing := listed.keys() - signed.keys():
        raise _wrong("missing file", "files", "only files that the channel serves", f"`{min(missing)}` too")
    if other := [name for name in sorted(listed) if listed[name] != signed[name]]:
        name = other[0]
        raise _wrong("wrong target", f"files.{name}", f"sha256 {signed[name]} as the channel says", listed[name])


def _wrong(kind: str, field: str, expected: str, got: str) -> ChannelError:
    return ChannelError(kind, f"`{MANIFEST}`: `{field}`: expected {expected}, got {got}; {ASK}")
