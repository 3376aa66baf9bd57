"""Word of a run through a real Prefect block to a real web server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.settings import PREFECT_API_URL, temporary_settings

from cli.output.console import say_notice
from flows.notify import notify_of_failure, notify_of_promotions
from params.pipeline import Recipe
from tasks.contracts.metrics import Check
from tasks.contracts.releases import Promotion, Verdict
from tasks.core.errors import StageError
from tasks.core.progress import listen
from tasks.kinds.recipes import load_recipe

CANARY = "canary-4711"
REFUSED = Check(limit="quality.accuracy", op=">=", threshold=0.95, value=0.9)


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[str, list[Any]]]:
    """The address of a web server, and what was posted to it."""
    said: list[Any] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", said
    server.shutdown()
    server.server_close()


@pytest.fixture
def told(prefect_api: str, heard: tuple[str, list[Any]]) -> Iterator[list[Any]]:
    """What was posted through the block `custom-webhook/factory`, whose secret goes along."""
    address, said = heard
    said.clear()
    said_by = {"subject": "{{subject}}", "body": "{{body}}", "token": "{{token}}"}
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        for name, url in {"factory": address, "nowhere": f"http://127.0.0.1:9/{CANARY}"}.items():
            block = CustomWebhookNotificationBlock.model_validate(
                {"name": name, "url": url, "json_data": said_by, "secrets": {"token": CANARY}}
            )
            block.save(name, overwrite=True)
        yield said


def recipe_telling(*overrides: str) -> Recipe:
    return load_recipe(Path(__file__).parents[2] / "params/digits.yaml", overrides)


def promotion(passed: bool) -> Promotion:
    verdict = Verdict(environment="staging", checks=() if passed else (REFUSED,))
    return Promotion(model="digits", version=3, environment="staging", moved=passed, previous=None, verdict=verdict)


def test_who_is_named_hears_of_promotions_refusals_and_failures(told: list[Any], capsys: Any) -> None:
    recipe = recipe_telling("notify.block=custom-webhook/factory")
    notify_of_promotions(recipe, [promotion(True), promotion(False)], "data version a -> b")
    with pytest.raises(StageError, match="the disk is full"), notify_of_failure(recipe):
        raise StageError("the disk is full")
    assert [one["subject"] for one in told] == [
        "digits version 3 promoted to staging",
        "digits version 3 refused by the gate of staging",
        "digits failed",
    ]
    assert told[0]["body"] == "data version a -> b"
    assert "`quality.accuracy`: expected at least 0.95, got 0.9" in told[1]["body"]
    assert told[2]["body"] == "StageError: the disk is full"
    assert {one["token"] for one in told} == {CANARY}
    assert CANARY not in capsys.readouterr().out


def test_nobody_hears_of_what_the_recipe_does_not_name(told: list[Any]) -> None:
    notify_of_promotions(recipe_telling(), [promotion(True)], "why")
    quiet = recipe_telling("notify.block=custom-webhook/factory", "notify.about=[failed]")
    notify_of_promotions(quiet, [promotion(True), promotion(False)], "why")
    assert told == []


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("block", ["nowhere", "missing"])
def test_a_block_that_does_not_deliver_is_a_warning_without_its_secrets(block: str, capsys: Any) -> None:
    stop = listen(say_notice)
    notify_of_promotions(recipe_telling(f"notify.block=custom-webhook/{block}"), [promotion(True)], "why")
    stop()
    said = capsys.readouterr()
    assert f"expected `custom-webhook/{block}` to deliver" in said.out
    assert CANARY not in said.out + said.err
