"""Files that an installed distribution carries."""

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from params.sources import InstalledSource
from tasks.core.errors import DataError, mismatch
from tasks.core.files import sha256_of
from tasks.data.sources.tar import refuse_equal_names


def fetch(source: InstalledSource, _root: Path, raw: Path) -> None:
    """Copies the named files of an installed package to `raw`; nothing of the package is imported.

    Raises:
        DataError: the package or a file is missing, or a file has another sha256; all problems at once.
    """
    refuse_equal_names(PurePosixPath(name).name for name in source.files)
    try:
        package = distribution(source.package)
    except PackageNotFoundError:
        do = f"install it (`pip install {source.package}`)"
        raise DataError(mismatch("data.source", "package", "an installed package", source.package, do)) from None
    problems = []
    for name, sha256 in source.files.items():
        path = Path(str(package.locate_file(name)))
        got = sha256_of(path) if path.is_file() else "no such file"
        if got == sha256:
            shutil.copyfile(path, raw / PurePosixPath(name).name)
        else:
            do = f"{source.package} {package.version} carries other data; take the version of requirements.lock"
            problems.append(mismatch("data.source", f"files.{name}", f"sha256 {sha256}", got, do))
    if problems:
        raise DataError("\n".join(problems))
