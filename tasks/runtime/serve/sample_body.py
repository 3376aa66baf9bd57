"""Samples in the body of a request, in whatever form the model takes them."""

from collections.abc import Callable

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from ..bundle.predictor import Predictor
from ..errors import WrongInputError
from ..preprocess.arrays import joined, read_samples
from ..preprocess.preprocessor import ModelInputs
from .openapi import MULTIPART, media_types
from .service import LIGHT, Service

Use = Callable[[Predictor, ModelInputs], Response]


async def with_samples(service: Service, request: Request, use: Use, light: bool = True) -> Response:
    """Returns what `use` answers to the samples of a request.

    Args:
        service: whose model reads them.
        request: with one file, or several as `multipart/form-data`.
        use: what is done with the release and the samples.
        light: whether a small body may be answered at once; see `Service.run`.

    Raises:
        HTTPException: the media type is not taken, or the body is refused.
    """
    kind = request.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
    taken = media_types(service.model.loaded.preprocessor)
    if kind not in taken:
        raise HTTPException(415, f"`Content-Type`: expected {', '.join(taken)}, got {kind}")

    async def work(body: bytes) -> Response:
        files = await _parts(request, body) if kind == MULTIPART else [body]
        # The bytes say what they are; those of a small file may be those of a large picture.
        small = light and body[:1] in (b"{", b"[")
        size = len(body) if small else max(len(body), LIGHT + 1)
        return await service.run(lambda model: use(model, _read(service, model, files)), size)

    return await service.with_body(request, work)


def _read(service: Service, model: Predictor, files: list[bytes]) -> ModelInputs:
    takes, limits = model.session.inputs["inputs"], service.read
    found = []
    for number, file in enumerate(files, start=1):
        try:
            found.append(read_samples(file, takes, model.preprocessor, limits))
        except WrongInputError as error:
            raise error if len(files) == 1 else WrongInputError(f"file {number} of {len(files)}: {error}") from None
    samples = joined(found)
    limits.check(samples)
    return samples


async def _parts(request: Request, body: bytes) -> list[bytes]:
    """Returns the files in a `multipart/form-data`."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request(request.scope, receive).form() as form:
        files = [await part.read() for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not files or len(files) < len(form.multi_items()):
            raise HTTPException(400, "body: expected files alone, got none or other fields; give `file=@NAME`")
        return files
