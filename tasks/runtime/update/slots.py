"""Loads the release in a slot, and moves `current` between the slots."""

from ..bundle.predictor import Predictor
from ..bundle.verify import Contents, read_verified
from ..errors import NoModelError, RuntimeBundleError, TamperedError
from .home import Home, Slot
from .receipts import HeldOut, Receipt, timestamp


def read_slot(home: Home, slot: Slot, receipt: Receipt) -> Contents:
    """Returns the verified bytes of the release that a receipt speaks of.

    Raises:
        ManifestError, TamperedError: the bundle is not whole, or another one.
    """
    contents = read_verified(home.bundle(slot))
    if contents.release != receipt.release:
        raise TamperedError(
            f"`{home.bundle(slot)}`: expected release {receipt.release}, got {contents.release};"
            " run `stillhouse-edge update`"
        )
    return contents


def load(home: Home, slot: Slot | None) -> Predictor:
    """Loads the release in a slot.

    Raises:
        NoModelError: there is none.
        ManifestError, TamperedError, ModelError: it is not whole, or cannot run here.
    """
    try:
        receipt = home.receipt(slot)
        if slot is None or receipt is None:
            raise NoModelError(f"`{home.slots}`: expected a release to run, got none; run `stillhouse-edge update`")
        return Predictor(read_slot(home, slot, receipt), receipt)
    except OSError as error:  # the slot is being emptied, or the disk is broken
        raise TamperedError(f"`{home.slots}`: expected to read slot {slot}, got {error}; try again") from None


def can_answer(home: Home, slot: Slot | None) -> bool:
    """Says whether the release in a slot is whole and can be loaded."""
    try:
        load(home, slot)
    except RuntimeBundleError:
        return False
    return True


def switch(home: Home, slot: Slot) -> None:
    """Lets `current` point to a slot; when what is there cannot be loaded after all, goes back and holds it out.

    Raises:
        RuntimeBundleError: it went back; says why.
    """
    before = home.slot()
    home.switch(slot)
    try:
        load(home, slot)
    except RuntimeBundleError as error:
        if before and can_answer(home, before):
            home.switch(before)
        hold_out(home, home.receipt(slot), str(error))
        raise


def hold_out(home: Home, receipt: Receipt | None, reason: str) -> None:
    """Notes that a release is not to be installed again by itself."""
    if receipt:
        home.hold_out(HeldOut(receipt.release, receipt.version, reason, timestamp()))
