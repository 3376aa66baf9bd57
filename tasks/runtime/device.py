"""A device, for programs of one's own.

from stillhouse_edge.device import Device

device = Device("/var/lib/line-3")
device.update()
device.predictor().predict({"inputs": pictures})[0]

What fetches and checks releases is imported where it is used: a device that answers does without its 30 MB.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from .bundle.predictor import Predictor
from .bundle.verify import Contents
from .errors import NoModelError, RuntimeBundleError, SettingsError
from .gallery.recogniser import Recogniser
from .gallery.store import GalleryStore
from .update.home import Home, default_home
from .update.settings import Settings, checked
from .update.slots import load, read_slot
from .update.storage import write_durably

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface

    from .update.install import Change

ATTEMPTS = 3
"""of loading the model that is current, while updates change it"""


class Device:
    """The home of one device: what runs there, and how that changes.

    Args:
        home: its directory; the environment's `STILLHOUSE_EDGE_HOME`, or `~/.stillhouse-edge`, when left out.
        fetcher: fetches the channel's files in place of HTTP.
    """

    def __init__(self, home: Path | str | None = None, fetcher: "FetcherInterface | None" = None) -> None:
        self.home = Home(Path(home) if home is not None else default_home())
        self._fetcher = fetcher

    def set_up(self, settings: Settings, root: Path, root_sha256: str | None = None) -> None:
        """Makes the home, with the root metadata that is trusted from then on; nothing comes from the network.

        Args:
            settings: the channel, the model, and how slow it may be.
            root: a `root.json` of the channel, brought here by a way that is trusted.
            root_sha256: what it must be, in hex; not compared when left out.

        Raises:
            SettingsError: something given is wrong, or the home was set up before.
        """
        from .update.anchor import read_anchor

        anchor = read_anchor(root, root_sha256)
        content = checked(settings).to_json()
        if self.home.settings_file.exists():
            raise SettingsError(f"`{self.home.path}`: expected a new home, got one that is set up; give another --home")
        self.home.make()
        write_durably(self.home.anchor, anchor)
        write_durably(self.home.settings_file, content)

    def update(self, force: bool = False) -> "Change":
        """Installs the release that leads the channel; see `install.update` for what it raises."""
        from .update import install

        return install.update(self._known(), self._fetcher, force)

    def roll_back(self) -> "Change":
        """Goes back to the release before; see `install.roll_back` for what it raises."""
        from .update import install

        return install.roll_back(self._known())

    def predictor(self) -> Predictor:
        """Loads the current release; where that is broken, the one in the other slot, which then says so (`problem`).

        Raises:
            NoModelError: there was no update yet.
            ManifestError, TamperedError, ModelError: neither is whole.
        """
        home = self._known()
        for _ in range(ATTEMPTS):
            slot = home.slot()
            try:
                return load(home, slot)
            except RuntimeBundleError as error:
                problem = error
            if home.slot() == slot:  # nobody has switched meanwhile, so it is broken indeed
                break
        return _other(home, problem)

    def recogniser(self) -> Recogniser:
        """Returns what compares samples with who is enrolled here, with the current release.

        Raises:
            SettingsError: the release was not made for comparing.
            NoModelError, ManifestError, TamperedError, ModelError: as `predictor`.
        """
        return Recogniser(GalleryStore(self.home), self.predictor())

    def contents(self) -> Contents:
        """Returns the verified bytes of the current release.

        Raises:
            NoModelError: there was no update yet.
            ManifestError, TamperedError: it is not whole.
        """
        home = self._known()
        slot = home.slot()
        receipt = home.receipt(slot)
        if slot is None or receipt is None:
            raise NoModelError(f"`{home.slots}`: expected a release to run, got none; run `stillhouse-edge update`")
        return read_slot(home, slot, receipt)

    def _known(self) -> Home:
        self.home.settings()
        return self.home


def _other(home: Home, problem: RuntimeBundleError) -> Predictor:
    try:
        predictor = load(home, home.free_slot())
    except RuntimeBundleError:
        raise problem from None
    predictor.problem = f"{problem}; version {predictor.receipt.version} answers meanwhile"
    return predictor
