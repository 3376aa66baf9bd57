"""Files from a folder of this machine, where a system's package put them, or else from the web."""

import gzip
import hashlib
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import IO, cast
from urllib.parse import quote

from params.sources import DownloadSource
from tasks.core.errors import DataError
from tasks.data.sources.tar import refuse_equal_names

TIMEOUT = 20.0
"""seconds without a byte"""
BLOCK = 1024 * 1024
MEGABYTE = 1_000_000


def fetch(source: DownloadSource, root: Path, raw: Path) -> None:
    """Brings each file to `raw` from the first place that has it as the recipe describes it.

    Raises:
        DataError: a file is nowhere; names all of them, and what each place answered.
    """
    refuse_equal_names(map(raw_name, source.files))
    problems = [problem for name in source.files if (problem := _bring(source, name, root, raw))]
    if problems:
        do = "install the package that brings the folder, check network and proxy, or correct the places or the sha256"
        raise DataError("\n".join([*problems, do]))


def raw_name(name: str) -> str:
    """Returns what a file is called in `raw`: the last part of its name, without the `.gz` of what is unpacked."""
    return PurePosixPath(name).name.removesuffix(".gz")


def _bring(source: DownloadSource, name: str, root: Path, raw: Path) -> str:
    """Returns the problem if no place has the file."""
    tried = []
    for place in (*source.folders, *source.urls):
        problem = _attempt(source, place, name, root, raw / raw_name(name))
        if not problem:
            return ""
        tried.append(f"{place}: {problem}")
    return "\n  ".join([f"`data.source`: `files.{name}`: expected it in one of its places, got", *tried])


def _attempt(source: DownloadSource, place: str, name: str, root: Path, target: Path) -> str:
    """Returns why a place does not give the file, empty if it did."""
    try:
        with _opened(place, name, root) as packed:
            got = _copy(_unpacked(packed, name), target, source.largest_megabytes * MEGABYTE)
    except (OSError, EOFError, ValueError, HTTPException, zlib.error) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    if got != source.files[name]:
        target.unlink()
        return f"expected sha256 {source.files[name]}, got {got}"
    return ""


@contextmanager
def _opened(place: str, name: str, root: Path) -> Iterator[IO[bytes]]:
    if place.startswith(("http://", "https://")):
        # Proxies are those of the environment: `https_proxy`, `no_proxy`.
        with urllib.request.urlopen(f"{place.rstrip('/')}/{quote(name)}", timeout=TIMEOUT) as answer:
            yield answer
    else:
        path = root / Path(place).expanduser() / name
        if path.exists() and not path.is_file():
            raise ValueError("something that is no file")  # a pipe would be waited for
        with path.open("rb") as stream:
            yield stream


def _unpacked(packed: IO[bytes], name: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=packed)) if name.endswith(".gz") else packed


def _copy(stream: IO[bytes], target: Path, limit: int) -> str:
    """Copies at most `limit` bytes and returns their sha256."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as copy:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > limit:
                raise ValueError(f"expected at most {limit:,} bytes (`largest_megabytes`), got more")
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()
