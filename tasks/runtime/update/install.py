"""Brings the release that a channel offers onto the device, and takes it back.

The order is what makes it safe to be killed anywhere: download beside the slots, verify, self-test, move into the free
slot, switch `current` by one rename. Before that rename the old model answers, after it the new one.
"""

from dataclasses import dataclass

from tuf.ngclient.fetcher import FetcherInterface

from ..errors import HeldOutError, ModelError, NoModelError, SelfTestError, WrongInputError
from .channel_reader import ChannelReader, Offer
from .home import Home
from .incoming import receive
from .receipts import Receipt, timestamp
from .slots import can_answer, hold_out, read_slot, switch
from .storage import remove_directory
from .trial import Trial, try_out

FAILURES = (SelfTestError, ModelError, WrongInputError)
"""what is wrong with a release itself, as tried out on this device; such a one is held out"""


@dataclass(frozen=True)
class Change:
    """What an update or a rollback did."""

    before: int | None
    """the version that ran; None where there was none"""
    after: int
    trial: Trial | None
    """how the new one did in its self-test; None where nothing changed"""


def update(home: Home, fetcher: FetcherInterface | None = None, force: bool = False) -> Change:
    """Installs the release that leads the channel, if another one runs.

    Args:
        home: of a device that was set up.
        fetcher: fetches in place of HTTP.
        force: tries a release that is held out once more.

    Raises:
        ChannelError, ManifestError, TamperedError: what the channel serves is refused.
        OfflineError, NoModelError: it serves nothing.
        SelfTestError, ModelError, WrongInputError: the release failed here, and is held out from now on.
        OldRuntimeError: the release needs a newer ONNX Runtime; what runs goes on, and the release is not held out.
        HeldOutError: it had failed before.
        LockedError: another process is at it.
        SettingsError: the home is not as it should be.
    """
    with home.lock():
        home.sweep()
        reader = ChannelReader(home, fetcher)
        offer = reader.offer()
        running = home.receipt(home.slot())
        if running and running.release == offer.release and can_answer(home, home.slot()):
            return Change(running.version, running.version, None)
        _require_let_in(home, offer, running, force)
        try:
            return _install(home, reader, offer, running)
        finally:
            remove_directory(home.incoming)


def roll_back(home: Home) -> Change:
    """Goes back to the release in the other slot, after its self-test, and holds out the one that it leaves.

    Raises:
        NoModelError: there is none.
        RuntimeBundleError: it is not whole, or fails; nothing changes.
    """
    with home.lock():
        slot, running = home.free_slot(), home.receipt(home.slot())
        receipt = home.receipt(slot)
        if receipt is None:
            raise NoModelError(f"`{home.bundle(slot)}`: expected a release to go back to, got none; run an update")
        trial = try_out(read_slot(home, slot, receipt), receipt, _limit_ms(home, receipt.p95_ms))
        switch(home, slot)
        hold_out(home, running, "left by a rollback")
        return Change(running.version if running else None, receipt.version, trial)


def _require_let_in(home: Home, offer: Offer, running: Receipt | None, force: bool) -> None:
    held = home.held_out()
    if held is None or force:
        return
    if held.release == offer.release:
        stays = f"version {running.version} stays" if running else "there is no other"
        raise HeldOutError(
            f"version {held.version} is held out since {held.since} ({held.reason}); {stays};"
            " wait for another release, or run `stillhouse-edge update --force`"
        )
    home.hold_out(None)


def _install(home: Home, reader: ChannelReader, offer: Offer, running: Receipt | None) -> Change:
    contents = receive(home, reader, offer)
    receipt = Receipt(offer.release, offer.version, offer.p95_ms, timestamp())
    try:
        trial = try_out(contents, receipt, _limit_ms(home, offer.p95_ms))
    except FAILURES as error:
        hold_out(home, receipt, str(error))
        raise
    slot = home.free_slot()
    home.fill(slot, receipt)
    switch(home, slot)
    home.hold_out(None)
    return Change(running.version if running else None, receipt.version, trial)


def _limit_ms(home: Home, channel: float | None) -> float | None:
    own = home.settings().p95_ms
    return channel if own is None else own
