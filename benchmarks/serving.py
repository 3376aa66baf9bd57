"""What HTTP adds to a model on one core: CPU time per request, which other work on the machine does not change.

    python -m benchmarks.serving [--requests 4000] [--write]

`model` takes a request's body and makes the answer, in one process and without HTTP. `served` is `stillhouse-edge
serve`, for one sample a request and 16 clients that keep their connections.
"""

import argparse
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import process_time

import psutil

from benchmarks.device import SAMPLES, made_bundle
from benchmarks.page import replace_table
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.preprocess.arrays import read_samples
from tasks.runtime.serve.service import answer
from tasks.runtime.update.home import Home
from tasks.runtime.update.receipts import Receipt
from tasks.runtime.update.settings import Settings

CLIENTS = 16
HEAD = "| student | bytes of a request | model | served | model / served |\n| --- | ---: | ---: | ---: | ---: |\n"


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    table = HEAD + "\n".join(_row(name, asked.requests) for name in SAMPLES)
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-serving", table)


def _row(name: str, requests: int) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        contents, golden = made_bundle(name, folder)
        body = json.dumps({kind: values.tolist() for kind, values in golden.inputs.items()}).encode()
        predictor = Predictor(contents, Receipt(contents.release, 1, None, ""))
        alone = _alone(predictor, body, requests)
        with _served(folder, predictor.receipt) as (process, port):
            _ask(port, body, requests // 10)
            before = sum(process.cpu_times()[:2])
            _ask(port, body, requests)
            served = (sum(process.cpu_times()[:2]) - before) / requests
    shown = f"{alone * 1e6:.0f} us | {served * 1e6:.0f} us | {alone / served:.2f}"
    return f"| `{name}` | {len(body):,} | {shown} |"


def _alone(predictor: Predictor, body: bytes, requests: int) -> float:
    takes = predictor.session.inputs["inputs"]
    started = process_time()
    for _ in range(requests):
        answers = predictor.answer(read_samples(body, takes, predictor.preprocessor))
        answer({"version": 1, "predictions": answers})
    return (process_time() - started) / requests


@contextmanager
def _served(folder: Path, receipt: Receipt) -> Iterator[tuple[psutil.Process, int]]:
    """Serves the bundle of a folder on a device that follows no channel."""
    home = Home(folder / "home")
    home.slots.mkdir(parents=True)
    home.settings_file.write_bytes(Settings("http://localhost", "any", None).to_json())
    shutil.copytree(folder / "bundle", home.incoming)
    home.fill("a", receipt)
    home.switch("a")
    command = [sys.executable, "-m", "tasks.runtime", "--home", str(home.path), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(":")[2])
        yield psutil.Process(process.pid), port
        process.terminate()


def _ask(port: int, body: bytes, requests: int) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: _ask_again_and_again(port, body, requests // CLIENTS), range(CLIENTS)))


def _ask_again_and_again(port: int, body: bytes, requests: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(requests):
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        if connection.getresponse().read()[:1] != b"{":
            raise RuntimeError("expected an answer in JSON")
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
