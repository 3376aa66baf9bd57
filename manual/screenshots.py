"""Pictures of pages for the manual, made by a headless Chromium: what `stillhouse ui` serves, or a report.

A picture is cut to what a reader needs and has few colours, so that it stays small.
"""

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS, PATIENCE_SECONDS = 15_000, 120
"""for a page to draw itself, and for the browser to end"""
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
COLOURS = 32


def picture(address: str, name: str, size: tuple[int, int], box: tuple[int, int, int, int]) -> Path:
    """Writes `docs/pictures/NAME.png` of a box of a page, and returns its path.

    Raises:
        FileNotFoundError: there is no Chromium.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise FileNotFoundError("expected chromium on PATH, got none; install it")
    with tempfile.TemporaryDirectory() as folder:
        taken, small = Path(folder) / "taken.png", FOLDER / f"{name}.png"
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
        ]
        seen = [f"--window-size={size[0]},{size[1]}", f"--virtual-time-budget={PATIENCE_MS}", f"--screenshot={taken}"]
        subprocess.run([browser, *options, *seen, address], check=True, capture_output=True, timeout=PATIENCE_SECONDS)
        FOLDER.mkdir(exist_ok=True)
        with Image.open(taken) as image:
            image.convert("RGB").crop(box).quantize(COLOURS).save(small, optimize=True)
    return small


def main(arguments: Sequence[str] | None = None) -> None:
    """Takes the picture that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("address", help="of a page, or a file")
    parser.add_argument("name", help="of the picture, without .png")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--left", type=int, default=0, help="where the picture begins")
    parser.add_argument("--top", type=int, default=0)
    parser.add_argument("--right", type=int, help="where it ends; the width where not given")
    asked = parser.parse_args(arguments)
    address = asked.address if "://" in asked.address else Path(asked.address).resolve().as_uri()
    box = (asked.left, asked.top, asked.right or asked.width, asked.height)
    picture(address, asked.name, (asked.width, asked.height), box)


if __name__ == "__main__":
    main()
