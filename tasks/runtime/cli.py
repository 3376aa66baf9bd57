"""The `stillhouse-edge` command: a thin layer over `Device`.

Exit codes: 0 done, or nothing to do; 1 refused or failed; 2 something that was given is wrong.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle, repeat
from pathlib import Path
from typing import TYPE_CHECKING

from .bench import bench
from .device import Device
from .errors import RuntimeBundleError, SettingsError
from .gallery.commands import GALLERY_COMMANDS, add_gallery_commands, told_to_enrol_again
from .terminal import files_of, open_file, read_file, samples_in, say
from .update.home import HOME_VARIABLE
from .update.settings import Settings

if TYPE_CHECKING:
    from .listen.listener import Listener
    from .preprocess.audio.wav import Samples
    from .update.install import Change


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits; with one message, and no traceback unless asked for, when it fails."""
    asked = _parser().parse_args(arguments)
    try:
        _COMMANDS[asked.command](Device(asked.home), asked)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if asked.debug:
            raise
        sys.stderr.write(f"{_told(error, asked.command)}\n")
        sys.exit(error.exit_code if isinstance(error, RuntimeBundleError) else 1)


def _told(error: Exception, command: str) -> str:
    """Returns the one message for a person."""
    if isinstance(error, RuntimeBundleError):
        return str(error)
    if isinstance(error, OSError):
        return f"`{error.filename or command}`: {error.strerror or error}; free space, or change its permissions"
    return f"`{command}`: unexpected {type(error).__name__}: {error}; see more with --debug"


def _init(device: Device, asked: argparse.Namespace) -> None:
    device.set_up(Settings(asked.url, asked.model, asked.p95_ms), asked.root, asked.root_sha256)
    say(f"{device.home.path}: follows {asked.model} at {asked.url}; next: stillhouse-edge update")


def _update(device: Device, asked: argparse.Namespace) -> None:
    say(_worded(device.update(asked.force)))
    told_to_enrol_again(device)


def _roll_back(device: Device, _asked: argparse.Namespace) -> None:
    say(_worded(device.roll_back()))
    told_to_enrol_again(device)


def _status(device: Device, asked: argparse.Namespace) -> None:
    from .update.status import read_status

    status = read_status(device.home)
    say(json.dumps(status.to_json(), ensure_ascii=False) if asked.json else "\n".join(status.lines()))


def _run(device: Device, asked: argparse.Namespace) -> None:
    predictor = device.predictor()
    if predictor.problem:
        sys.stderr.write(f"{predictor.problem}\n")
    for file in asked.files or [None]:
        for prediction in predictor.answer(samples_in(file, read_file(file), predictor), asked.detail):
            say(json.dumps(prediction, ensure_ascii=False))


def _bench(device: Device, asked: argparse.Namespace) -> None:
    files = files_of(asked.files)
    contents = ((file, read_file(file)) for file in cycle(files)) if files else repeat((None, read_file(None)))
    say("\n".join(bench(device.predictor(), contents, asked.seconds).lines()))


def _prove(device: Device, asked: argparse.Namespace) -> None:
    from .proof.answers import answers_to
    from .proof.receipt import device_signer, key_id, write_receipt

    signer = device_signer(device.home.path)
    answers = answers_to(device.contents(), read_file(asked.samples))
    write_receipt(asked.out, answers, signer)
    facts = answers.facts
    say(
        f"{asked.out}: {facts['answered']:,} samples on {facts['machine']}, p50 {facts['p50_ms']:.3g} ms,"
        f" p95 {facts['p95_ms']:.3g} ms, {facts['peak_bytes'] / 1e6:.0f} MB; signed with key {key_id(signer)}"
    )


def _listen(device: Device, asked: argparse.Namespace) -> None:
    from .listen.listener import listener_of
    from .listen.stream import samples_of

    listener = listener_of(device.predictor())
    stream = sys.stdin.buffer if asked.file is None else open_file(asked.file)
    with stream:
        for samples in samples_of(stream, listener.format, asked.rate):
            _tell(listener, samples)
    _tell(listener, listener.silence())


def _tell(listener: "Listener", samples: "Samples") -> None:
    for detected in listener.feed(samples):
        say(json.dumps(detected.to_json(listener.format.rate), ensure_ascii=False))


def _serve(device: Device, asked: argparse.Namespace) -> None:
    try:
        from .serve.server import serve
        from .serve.service import ServeLimits
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"`serve`: expected the server's libraries, got no `{error.name}`; install `stillhouse-edge[serve]`"
        ) from None
    limits = ServeLimits(asked.max_bytes, asked.max_samples, asked.threads, asked.timeout)
    serve(device, asked.host, asked.port, limits, say, asked.enroll)


_COMMANDS: Mapping[str, Callable[[Device, argparse.Namespace], None]] = {
    "init": _init,
    "update": _update,
    "run": _run,
    "bench": _bench,
    "prove": _prove,
    "listen": _listen,
    "serve": _serve,
    "rollback": _roll_back,
    "status": _status,
    **GALLERY_COMMANDS,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "stillhouse-edge", description="Fetches, verifies and runs a distilled model.", parents=[_anywhere()]
    )
    parser.set_defaults(home=None, debug=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = partial(commands.add_parser, parents=[_anywhere()])
    init = add("init", help="sets up a home with the root metadata that is trusted from then on")
    init.add_argument("url", help="of the channel: the directory with metadata/ and targets/")
    init.add_argument("--model", required=True, help="its name in the channel")
    init.add_argument("--root", required=True, type=Path, help="root.json, brought here by a way that is trusted")
    init.add_argument("--root-sha256", help="what that file must be")
    init.add_argument("--p95-ms", type=float, help="milliseconds for one sample; the channel's limit when left out")
    update = add("update", help="installs the release that leads the channel")
    update.add_argument("--force", action="store_true", help="also one that is held out")
    run = add("run", help="predicts; prints one line of JSON per sample")
    run.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        type=Path,
        help="a file like those that trained it, JSON, .npy or .npz; or standard input",
    )
    run.add_argument("--detail", default="", help="a further part of each answer: `png` or `runs` of a mask")
    measure = add("bench", help="answers files again and again, and says how many times a second")
    files = "as for `run`, or a folder of them, such as the pictures of a film; or standard input"
    measure.add_argument("files", nargs="*", metavar="FILE", type=Path, help=files)
    measure.add_argument("--seconds", type=float, default=3, help="how long (default: %(default)s)")
    prove = add("prove", help="answers the samples of a project, and writes a signed receipt for it")
    prove.add_argument("samples", metavar="SAMPLES", type=Path, help="what `stillhouse prove MODEL --pack FILE` wrote")
    prove.add_argument("--out", type=Path, default=Path("receipt.zip"), help="the receipt (default: %(default)s)")
    listen = add("listen", help="hears words in sound that does not end; prints one line of JSON per word")
    listen.add_argument("file", nargs="?", metavar="FILE", type=Path, help="WAV or raw samples; or standard input")
    listen.add_argument(
        "--rate", type=int, help="of raw samples, 16 bits, one channel; that of the model when left out"
    )
    _add_serve(add("serve", help="answers over HTTP"))
    add_gallery_commands(add)
    add("rollback", help="goes back to the release before, and holds out the one it leaves")
    status = add("status", help="what runs, what is behind it, what is held out and why")
    status.add_argument("--json", action="store_true", help="for machines")
    return parser


def _anywhere() -> argparse.ArgumentParser:
    """Returns the options that are taken before and after the command; the default is the parser's that has both."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--home", help=f"the device's directory; ${HOME_VARIABLE} or ~/.stillhouse-edge when left out")
    options.add_argument("--debug", action="store_true", help="shows the traceback of an error")
    return options


def _add_serve(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    command.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    command.add_argument("--max-bytes", type=int, default=2**23, help="of one request's body (default: %(default)s)")
    command.add_argument("--max-samples", type=int, default=1024, help="of one request (default: %(default)s)")
    command.add_argument("--threads", type=int, default=4, help="predictions at once (default: %(default)s)")
    command.add_argument("--timeout", type=float, default=5, help="seconds of silence (default: %(default)s)")
    command.add_argument("--enroll", action="store_true", help="lets clients enrol, list and forget names, too")


def _worded(change: "Change") -> str:
    if change.trial is None:
        return f"version {change.after} runs already; nothing to do"
    before = f"version {change.before} -> " if change.before is not None else ""
    trial = change.trial
    return f"{before}version {change.after}; golden difference {trial.difference:.2g}, p95 {trial.p95_ms:.3g} ms"
