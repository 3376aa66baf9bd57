"""Devices that follow a channel in memory."""

from pathlib import Path

import numpy as np

from tasks.runtime.device import Device
from tasks.runtime.update.settings import Settings
from tests.runtime.tuf_world import URL, MemoryFetcher, World

PICTURE = np.array([[[[1, 2], [3, 4]]]], np.uint8)
"""the largest logit is always the last"""


def set_up(home: Path, world: World, p95_ms: float | None = None, url: str = URL, model: str = "tiny") -> Device:
    """Sets up a device that reads the world as it is at each moment."""
    anchor = home.with_suffix(".root.json")
    anchor.write_bytes(world.anchor)
    device = Device(home, MemoryFetcher(world.files))
    device.set_up(Settings(url, model, p95_ms), anchor)
    return device


def answer(device: Device) -> str:
    """Returns the word that the release's labels begin with."""
    return str(device.predictor().predict({"inputs": PICTURE})[0]["label"]).split()[0]
