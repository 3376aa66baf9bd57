"""The release that a server answers with: changes when `current` does, always as a whole."""

from threading import Lock

from ..bundle.predictor import Predictor
from ..device import Device
from ..errors import RuntimeBundleError

Mark = tuple[int, int] | None


class ServedModel:
    """Holds one loaded release in memory, and loads another when `current` was switched."""

    def __init__(self, device: Device) -> None:
        self._device, self._lock = device, Lock()
        self.home = device.home
        self._mark = self._seen()
        self.loaded = device.predictor()
        """the release in memory; `get` looks first whether it is the current one"""
        self.problem = self.loaded.problem
        """why the current release could not be loaded; the one before, or the other one, answers meanwhile"""

    def get(self) -> Predictor:
        """Returns the current release; while it is being loaded, the one before."""
        mark = self._seen()
        if mark != self._mark and self._lock.acquire(blocking=False):
            try:
                self._mark = mark
                self.loaded = self._device.predictor()
                self.problem = self.loaded.problem
            except RuntimeBundleError as error:
                self.problem = str(error)
            finally:
                self._lock.release()
        return self.loaded

    def is_current(self) -> bool:
        """Says whether the release in memory is the current one, or the current one was tried and cannot be loaded."""
        return self._seen() == self._mark

    def _seen(self) -> Mark:
        """Returns what tells one switch of `current` from the next: the link itself is made anew each time."""
        try:
            found = self._device.home.current.lstat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns
