"""A real browser without a window, for a page in a frame of a given width; what it finds comes back as JSON."""

import html
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.debian import required

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-extensions",
    "--hide-scrollbars",
    "--no-first-run",
    "--allow-file-access-from-files",
    "--window-size=1500,1000",
    "--virtual-time-budget=4000",
)
# The frame measures itself from outside: the page under test runs no script and needs none.
MEASURE = """
addEventListener("load", () => {
  const page = frames[0].document, root = page.scrollingElement, style = e => frames[0].getComputedStyle(e);
  const box = e => e.getBoundingClientRect(), name = e => `${e.tagName} ${(e.textContent || "").trim().slice(0, 40)}`;
  const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  const scale = e => e.ownerSVGElement ? Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b) : 1;
  const letters = [...page.body.querySelectorAll("*")].filter(e => own(e) && style(e).display !== "none");
  const inScroll = e => e.closest(".scroll") && !e.matches(".scroll");
  const found = {
    width: frames[0].innerWidth, client: root.clientWidth, scroll: root.scrollWidth,
    dark: frames[0].matchMedia("(prefers-color-scheme: dark)").matches, background: style(page.body).backgroundColor,
    wide: [...page.body.querySelectorAll("*")].filter(e => !inScroll(e) && !e.ownerSVGElement &&
      box(e).right > root.clientWidth + 0.5).map(name),
    pictures: [...page.querySelectorAll("figure > svg")].map(e => [box(e).width, box(e).height]),
    cut: [...page.querySelectorAll("svg text")].filter(e => { const b = box(e), s = box(e.ownerSVGElement);
      return b.left < s.left - 2 || b.right > s.right + 2 || b.top < s.top - 2 || b.bottom > s.bottom + 2; }).map(name),
    small: letters.map(e => [parseFloat(style(e).fontSize) * scale(e), name(e)]).filter(([size]) => size < 11.9),
    faint: letters.filter(e => !e.ownerSVGElement).map(e => [contrast(e), name(e)]).filter(([ratio]) => ratio < 4.5),
    requests: frames[0].performance.getEntriesByType("resource").map(e => e.name),
  };
  function colour(text) { return text.match(/[\\d.]+/g).map(Number); }
  function light(c) { return c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0); }
  function behind(e) { for (; e; e = e.parentElement) { const c = colour(style(e).backgroundColor);
    if (c[3] === undefined || c[3] > 0.99) return c; } return [255, 255, 255]; }
  function contrast(e) { const a = light(colour(style(e).color)), b = light(behind(e));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }
  const report = document.createElement("pre");
  report.id = "found";
  report.textContent = JSON.stringify(found);
  document.body.append(report);
});
"""


def browser() -> str | None:
    """Returns the path of a browser, None where there is none."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


def measured(page: str, width: int, folder: Path, *, dark: bool = False) -> dict[str, Any]:
    """Returns what a browser finds on a page that is shown `width` pixels wide.

    Args:
        page: its HTML.
        width: of the frame; a window of its own would not get this narrow.
        folder: where the page and its frame are written.
        dark: whether the reader prefers dark pages.
    """
    (folder / "page.html").write_text(page, encoding="utf-8")
    frame = (
        f"<!DOCTYPE html><body><script>{MEASURE}</script>"
        f'<iframe src="page.html" style="border:0;width:{width}px;height:900px"></iframe>'
    )
    (folder / "frame.html").write_text(frame, encoding="utf-8")
    document, log = _dumped((folder / "frame.html").as_uri(), folder / "profile", dark=dark)
    found = re.search(r'<pre id="found">(.*?)</pre>', document, flags=re.DOTALL)
    assert found, log
    result: dict[str, Any] = json.loads(html.unescape(found.group(1)))
    return result | {"console": re.findall(r"CONSOLE.*", log)}


def _dumped(address: str, profile: Path, *, dark: bool) -> tuple[str, str]:
    """Returns the document after its scripts have run, and what the browser logged; ends it and its children."""
    program = required(browser, "chromium")
    more = ["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]
    command = [program, *FLAGS, *more, f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom", address]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        return process.communicate(timeout=SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS)
