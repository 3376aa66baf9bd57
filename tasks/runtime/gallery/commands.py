"""The commands that enrol and recognise; each prints lines of JSON."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..bundle.predictor import Predictor
from ..device import Device
from ..errors import RuntimeBundleError
from ..preprocess.arrays import joined
from ..preprocess.preprocessor import ModelInputs
from ..terminal import read_file, samples_in, say
from ..update.home import Home
from .names import checked_name
from .recogniser import Recogniser
from .store import GalleryStore, current_space

Add = Callable[..., argparse.ArgumentParser]


def add_gallery_commands(add: Add) -> None:
    """Adds the commands to a parser."""
    file: dict[str, Any] = {"metavar": "FILE", "type": Path, "help": "as for `run`"}
    enrol = add("enroll", help="lets a name be that of samples; keeps their vectors, and nothing else of them")
    enrol.add_argument("name", metavar="NAME", help="1 to 100 characters")
    enrol.add_argument("files", nargs="+", **file)
    enrol.add_argument("--add", action="store_true", help="to what the name has, which is replaced otherwise")
    identify = add("identify", help="says who it is, or null; prints one line of JSON per sample")
    identify.add_argument("files", nargs="+", **file)
    verify = add("verify", help="says whether two samples, or a sample and a name, are of the same identity")
    verify.add_argument("files", nargs="+", **file)
    verify.add_argument("--name", help="to compare each sample with, in place of two with one another")
    add("forget", help="removes a name, in the galleries of all models").add_argument("name", metavar="NAME")
    add("gallery", help="lists who is enrolled, and who is to be enrolled again")


def told_to_enrol_again(device: Device) -> None:
    """Says how many names the current release cannot know, where there are any; an update or a rollback has ended."""
    if not device.home.galleries.is_dir():
        return
    try:
        names = GalleryStore(device.home).elsewhere(current_space(device.home))
    except RuntimeBundleError as error:  # the release has been changed all the same
        say(str(error))
        return
    if names:
        say(
            f"{len(names)} of the names are enrolled with another model alone: enrol them again, or go back;"
            " `stillhouse-edge gallery` lists them"
        )


def _enrol(device: Device, asked: argparse.Namespace) -> None:
    recogniser, predictor = _opened(device)
    _print(recogniser.enrol(asked.name, joined(_samples(predictor, asked.files)), asked.add))


def _identify(device: Device, asked: argparse.Namespace) -> None:
    recogniser, predictor = _opened(device)
    for samples in _samples(predictor, asked.files):
        for answer in recogniser.identify(samples):
            _print(answer)


def _verify(device: Device, asked: argparse.Namespace) -> None:
    recogniser, predictor = _opened(device)
    samples = joined(_samples(predictor, asked.files))
    answers = [recogniser.verify(samples)] if asked.name is None else recogniser.verify_name(asked.name, samples)
    for answer in answers:
        _print(answer)


def _forget(device: Device, asked: argparse.Namespace) -> None:
    name, home = checked_name(asked.name), _set_up(device)
    _print({"name": name, "forgotten": GalleryStore(home).forget(name, current_space(home))})


def _list(device: Device, _asked: argparse.Namespace) -> None:
    home = _set_up(device)
    _print(GalleryStore(home).listing(current_space(home)))


GALLERY_COMMANDS: Mapping[str, Callable[[Device, argparse.Namespace], None]] = {
    "enroll": _enrol,
    "identify": _identify,
    "verify": _verify,
    "forget": _forget,
    "gallery": _list,
}


def _set_up(device: Device) -> Home:
    """Returns the home; raises `SettingsError` where there is none."""
    device.home.settings()
    return device.home


def _opened(device: Device) -> tuple[Recogniser, Predictor]:
    predictor = device.predictor()
    if predictor.problem:
        sys.stderr.write(f"{predictor.problem}\n")
    return Recogniser(GalleryStore(device.home), predictor), predictor


def _samples(predictor: Predictor, files: Sequence[Path]) -> list[ModelInputs]:
    """Returns the samples of each file; all are read before one is answered."""
    return [samples_in(file, read_file(file), predictor) for file in files]


def _print(answer: Mapping[str, Any]) -> None:
    say(json.dumps(answer, ensure_ascii=False))
