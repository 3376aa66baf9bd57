"""The home directory of a device.

    device.json          settings
    root.json            the trust anchor: the root metadata that was brought along when the device was set up
    metadata/            what TUF trusts by now
    slots/a, slots/b     bundles, with `a.json` and `b.json` saying which release each is; without it, it is a leftover
    current              a symbolic link to one of them, switched by one rename
    held-out.json        the release that is not to be installed again
    trusted-time.json    the latest time at which the channel was found fresh
    galleries/           a file of enrolled names for each space that a model's vectors lie in

Invariant: `current` always points to a slot whose bundle was verified and passed its self-test on this device.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ..errors import LockedError, SettingsError
from .receipts import HeldOut, Receipt, read_held_out, read_receipt, write_note
from .settings import Settings, read_settings
from .storage import point, remove_directory, sync_directory

Slot = Literal["a", "b"]
SLOTS: tuple[Slot, Slot] = ("a", "b")
HOME_VARIABLE = "STILLHOUSE_EDGE_HOME"


def default_home() -> Path:
    """Returns the home that the environment names, or `~/.stillhouse-edge`."""
    return Path(os.environ.get(HOME_VARIABLE) or "~/.stillhouse-edge").expanduser()


class Home:
    """Paths and notes of one device; writing is for who holds `lock`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_file = path / "device.json"
        self.anchor = path / "root.json"
        self.metadata = path / "metadata"
        self.slots = path / "slots"
        self.incoming = self.slots / ".incoming"
        self.current = path / "current"
        self.held_out_file = path / "held-out.json"
        self.trusted_time_file = path / "trusted-time.json"
        self.galleries = path / "galleries"

    def make(self) -> None:
        """Makes the folders; a home that is new is closed to other users, one that is there keeps its permissions."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.metadata.mkdir(exist_ok=True)

    def settings(self) -> Settings:
        """Returns the settings; raises `SettingsError` where the device was not set up."""
        return read_settings(self.settings_file)

    def slot(self) -> Slot | None:
        """Returns the slot that `current` points to, None before the first update."""
        try:
            target = self.current.readlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"`{self.current}`: expected a symbolic link, got {error}; remove it") from None
        found = next((slot for slot in SLOTS if target == Path("slots", slot)), None)
        if found is None:
            raise SettingsError(f"`{self.current}`: expected a link to slots/a or slots/b, got {target}; remove it")
        return found

    def free_slot(self) -> Slot:
        """Returns the slot that `current` does not point to."""
        return "b" if self.slot() == "a" else "a"

    def bundle(self, slot: Slot) -> Path:
        """Returns the directory of a slot's bundle."""
        return self.slots / slot

    def receipt(self, slot: Slot | None) -> Receipt | None:
        """Returns which release a slot holds, None where it holds none."""
        return read_receipt(self._receipt_file(slot)) if slot else None

    def held_out(self) -> HeldOut | None:
        """Returns the release that is held out, if there is one."""
        return read_held_out(self.held_out_file)

    def hold_out(self, held: HeldOut | None) -> None:
        """Notes the release that is held out; None lets it in again."""
        if held:
            write_note(self.held_out_file, held)
        else:
            self.held_out_file.unlink(missing_ok=True)

    def fill(self, slot: Slot, receipt: Receipt) -> None:
        """Moves the incoming bundle into a slot; the receipt goes first out and last in."""
        self.empty(slot)
        self.incoming.rename(self.bundle(slot))
        sync_directory(self.slots)
        write_note(self._receipt_file(slot), receipt)

    def empty(self, slot: Slot) -> None:
        """Removes the bundle of a slot."""
        self._receipt_file(slot).unlink(missing_ok=True)
        sync_directory(self.slots)
        remove_directory(self.bundle(slot))

    def switch(self, slot: Slot) -> None:
        """Lets `current` point to a slot."""
        point(self.current, f"slots/{slot}")

    def sweep(self) -> None:
        """Removes what an interrupted update left: a half download, a slot without its receipt, TUF's own files."""
        self.slots.mkdir(parents=True, exist_ok=True)
        remove_directory(self.incoming)
        for slot in SLOTS:
            if slot != self.slot() and not self._receipt_file(slot).is_file():
                self.empty(slot)
        for leftover in self.metadata.glob("tmp*"):
            leftover.unlink()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other updates and rollbacks out.

        Raises:
            LockedError: one of them is at work.
        """
        with (self.path / "lock").open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(
                    f"`{self.path}`: expected nobody else at work here, got another update or rollback; try again later"
                ) from None
            yield

    def _receipt_file(self, slot: Slot) -> Path:
        return self.slots / f"{slot}.json"
