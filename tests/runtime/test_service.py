"""Which requests are answered at once, and which in a thread beside the others."""

import asyncio
import threading
import time

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.device import Device
from tasks.runtime.serve.app import make_app
from tasks.runtime.serve.served import ServedModel
from tasks.runtime.serve.service import LIGHT, ServeLimits, Service

SLOW_S = 1.0
"""a machine that does much else takes milliseconds for nothing"""


def test_light_requests_are_answered_at_once_while_the_model_is_quick(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{Service.__module__}.QUICK_S", SLOW_S / 2)
    service = Service(ServedModel(device), ServeLimits(2**20, 9, 2, 1.0))

    async def at_once(size: int, seconds: float = 0.0) -> bool:
        threads = []

        def work(_model: Predictor) -> Response:
            time.sleep(seconds)
            threads.append(threading.get_ident())
            return Response()

        await service.run(work, size)
        return threads == [threading.get_ident()]

    async def asked() -> list[bool]:
        small = [await at_once(size) for size in (10, 10, LIGHT + 1, LIGHT)]
        return [*small, await at_once(10, SLOW_S), await at_once(10), await at_once(10)]

    assert asyncio.run(asked()) == [False, True, False, True, True, False, True]


@pytest.mark.parametrize("body", [b"\x89PNG", b"\x93NUMPY", b"PK", b""])
def test_files_never_are(device: Device, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(ServedModel(device), ServeLimits(2**20, 9, 2, 1.0))
    sizes = []
    run = service.run

    async def watched(work: object, size: int = 0) -> Response:
        sizes.append(size)
        return await run(work, size)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "run", watched)
    TestClient(make_app(service)).post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert sizes == [LIGHT + 1]
