"""`device.json`: which channel a device follows, which model it runs, and how slow that may be."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..bundle.fields import Fields, JsonSource, parse
from ..errors import SettingsError

SETTINGS_FILE = JsonSource(
    "device.json", "correct it, or remove the home and run `stillhouse-edge init`", SettingsError
)
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Settings:
    """What the operator decided when the device was set up."""

    channel: str
    """http or https address of the environment, the directory that holds `metadata/` and `targets/`"""
    model: str
    p95_ms: float | None = None
    """milliseconds that a single sample may take; None for the channel's own limit"""

    def to_json(self) -> bytes:
        """Returns the bytes of `device.json`."""
        return (json.dumps(asdict(self), indent=2, sort_keys=True) + "\n").encode()


def read_settings(path: Path) -> Settings:
    """Returns the settings of a device.

    Raises:
        SettingsError: the file is missing, malformed, or a field is missing, unknown or wrong.
    """
    if not path.is_file():
        raise SettingsError(f"`{path}`: expected the settings of a device, got no file; run `stillhouse-edge init`")
    fields = Fields(parse(path.read_bytes(), SETTINGS_FILE), "", SETTINGS_FILE)
    settings = Settings(fields.text("channel"), fields.text("model"), fields.optional_number("p95_ms"))
    fields.finish()
    return checked(settings)


def checked(settings: Settings) -> Settings:
    """Returns the settings if they can be followed.

    Raises:
        SettingsError: the channel is no http address, the model no plain name, or the limit not above 0.
    """
    parts = urlsplit(settings.channel)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SETTINGS_FILE.wrong("channel", "an http or https address", repr(settings.channel))
    if not _MODEL.fullmatch(settings.model):
        raise SETTINGS_FILE.wrong("model", "the plain name of a model", repr(settings.model))
    if settings.p95_ms is not None and not 0 < settings.p95_ms < float("inf"):
        raise SETTINGS_FILE.wrong("p95_ms", "milliseconds above 0", settings.p95_ms)
    return settings
