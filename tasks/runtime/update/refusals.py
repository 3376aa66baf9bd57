"""Says in the device's own words why TUF refused what a channel serves: which attack it is, or looks like.

Kinds: `signature` (forged, or by a revoked key), `rollback`, `freeze`, `mix-and-match`, `endless data`, `altered file`,
`cut file`, `missing file`, `extra file`, `wrong target`, `malformed`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    SlowRetrievalError,
    UnsignedMetadataError,
)

from ..errors import ChannelError, OfflineError, RuntimeBundleError
from .fetcher import Noting
from .trusted_time import expired

ASK = "keep the model, and ask the channel's publisher"
_KINDS: tuple[tuple[type[Exception], str, str], ...] = (
    (DownloadLengthMismatchError, "endless data", "no more bytes than were signed for, or than metadata may have"),
    (UnsignedMetadataError, "signature", "signatures by keys that the channel trusts (it may have revoked them)"),
    (LengthOrHashMismatchError, "mix-and-match", "metadata of one and the same state of the channel, unaltered"),
    (RepositoryError, "malformed", "TUF metadata"),
)


@contextmanager
def refusing(noting: Noting) -> Iterator[None]:
    """Turns what TUF raises inside into an error of the device.

    Raises:
        ChannelError: what was served is refused.
        OfflineError: nothing was served.
    """
    try:
        yield
    except (RepositoryError, DownloadError) as error:
        raise _explained(error, noting.asked) from error


def _explained(error: Exception, file: str) -> RuntimeBundleError:
    if isinstance(error, ExpiredMetadataError):
        return expired(file.removesuffix(".json"), datetime.now(UTC), str(error))
    if isinstance(error, BadVersionNumberError):
        return _versions(error, file)
    for cause, kind, expected in _KINDS:
        if isinstance(error, cause):
            return ChannelError(kind, f"`{file}`: expected {expected}, got {error}; {ASK}")
    return _unreachable(error, file)


def _versions(error: Exception, file: str) -> ChannelError:
    """A timestamp is asked for without a version, so an old one is a rollback; the others belong to their timestamp.

    A snapshot of the right version in which the targets are older than they were is a rollback, too.
    """
    # TUF raises one class for both and hands on no numbers: only the words name the metadata whose version is wrong.
    asked_by_version = file[:1].isdigit()
    if asked_by_version and "targets.json version" not in str(error):
        return ChannelError("mix-and-match", f"`{file}`: expected the version that was signed for, got {error}; {ASK}")
    return ChannelError("rollback", f"`{file}`: expected no older version than was seen before, got {error}; {ASK}")


def _unreachable(error: Exception, file: str) -> OfflineError:
    if isinstance(error, DownloadHTTPError):
        do = "check the channel's address in `device.json`"
    elif isinstance(error, SlowRetrievalError):
        do = "the model stays; try again with a faster network"
    else:
        do = "the model stays; try again with a network"
    return OfflineError(f"`{file}`: expected an answer of the channel, got {error}; {do}")
