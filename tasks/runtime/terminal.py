"""What commands read and print."""

import gzip
import json
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .bundle.predictor import Predictor
from .bundle.session import INPUTS
from .errors import WrongInputError
from .preprocess.arrays import read_samples
from .preprocess.csv_columns import GZIP
from .preprocess.preprocessor import ModelInputs


def read_file(file: Path | None) -> bytes:
    """Returns the bytes of a file, or of standard input; unpacked where they are a gzip file.

    Raises:
        WrongInputError: there is no such file, or it is cut.
    """
    if file is None:
        return _unpacked(sys.stdin.buffer.read())
    if not file.is_file():
        raise WrongInputError(f"`{file}`: expected a file with samples, got none; give another, or standard input")
    return _unpacked(file.read_bytes())


def samples_in(file: Path | None, content: bytes, predictor: Predictor) -> ModelInputs:
    """Returns the samples in a file of that name, or in standard input.

    Raises:
        WrongInputError: it is not what the model takes.
    """
    try:
        return read_samples(content, predictor.session.inputs[INPUTS], predictor.preprocessor)
    except WrongInputError as error:
        raise WrongInputError(f"`{file}`: {error}" if file else str(error)) from None


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Returns the files, and in place of a folder those in it, by their names.

    Raises:
        WrongInputError: a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
        if not inside:
            raise WrongInputError(f"`{path}`: expected a folder with files, got an empty one; give another")
        found += inside
    return found


def _unpacked(content: bytes) -> bytes:
    """Returns what is in a gzip file: training reads `.csv.gz`, too."""
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise WrongInputError(f"`inputs`: expected a whole gzip file, got {error}; pack it again") from None


def open_file(file: Path) -> IO[bytes]:
    """Opens a file of sound.

    Raises:
        WrongInputError: there is none.
    """
    if not file.is_file():
        raise WrongInputError(f"`{file}`: expected a file of sound, got none; give another, or standard input")
    return file.open("rb")


def say(text: str) -> None:
    r"""Prints a line at once; what the encoding of standard output lacks as JSON writes it, such as `\u674e`."""
    try:
        sys.stdout.write(f"{text}\n")
    except UnicodeEncodeError:
        sys.stdout.write("".join(one if one.isascii() else json.dumps(one)[1:-1] for one in text) + "\n")
    sys.stdout.flush()
