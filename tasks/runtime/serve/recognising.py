"""Recognising over HTTP: whose a sample is, whether two are of one identity; and enrolment, where the server allows it.

Who can reach the server could make themselves known to it, and read who is. So names are enrolled, listed and forgotten
over HTTP only where the server was started so. The methods are PUT and DELETE, which a browser does not send for a page
of another site before the server has allowed it, and it allows none.
"""

from collections.abc import Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..bundle.predictor import Predictor
from ..errors import SettingsError
from ..gallery.names import checked_name
from ..gallery.recogniser import Recogniser
from ..gallery.space import space_of
from ..preprocess.preprocessor import ModelInputs
from .sample_body import with_samples
from .service import Service, answer


def routes(service: Service) -> Iterator[Route]:
    """Yields the routes of recognition and of the gallery."""
    recognising = _Recognising(service)
    yield Route("/identify", recognising.identify, methods=["POST"])
    yield Route("/verify", recognising.verify, methods=["POST"])
    yield Route("/verify/{name}", recognising.verify_name, methods=["POST"])
    yield Route("/gallery", recognising.listing)
    # One route for both methods: what other methods are answered names those of one route.
    yield Route("/gallery/{name}", recognising.change, methods=["PUT", "DELETE"])


class _Recognising:
    def __init__(self, service: Service) -> None:
        self._service, self._store = service, service.galleries

    async def identify(self, request: Request) -> Response:
        """Says for each sample who it is, or null."""

        def use(model: Predictor, samples: ModelInputs) -> Response:
            matches = self._recogniser(model).identify(samples)
            return answer({"version": model.receipt.version, "matches": matches})

        return await with_samples(self._service, request, use)

    async def verify(self, request: Request) -> Response:
        """Says whether two samples are of one identity."""

        def use(model: Predictor, samples: ModelInputs) -> Response:
            return answer({"version": model.receipt.version, **self._recogniser(model).verify(samples)})

        return await with_samples(self._service, request, use)

    async def verify_name(self, request: Request) -> Response:
        """Says whether samples are of one who is enrolled."""
        name: str = request.path_params["name"]

        def use(model: Predictor, samples: ModelInputs) -> Response:
            matches = self._recogniser(model).verify_name(name, samples)
            return answer({"version": model.receipt.version, "matches": matches})

        return await with_samples(self._service, request, use)

    async def listing(self, _request: Request) -> Response:
        """Lists who is enrolled."""
        self._require_allowed()

        def work(model: Predictor) -> Response:
            return answer({"version": model.receipt.version, **self._store.listing(space_of(model.manifest))})

        return await self._service.run(work)

    async def change(self, request: Request) -> Response:
        """Lets a name be that of the samples, or forgets it."""
        self._require_allowed()
        return await (self._enrol(request) if request.method == "PUT" else self._forget(request))

    async def _enrol(self, request: Request) -> Response:
        name: str = request.path_params["name"]

        def use(model: Predictor, samples: ModelInputs) -> Response:
            return answer({"version": model.receipt.version, **self._recogniser(model).enrol(name, samples)})

        return await with_samples(self._service, request, use, light=False)

    async def _forget(self, request: Request) -> Response:
        given: str = request.path_params["name"]

        def work(model: Predictor) -> Response:
            name = checked_name(given)
            forgotten = self._store.forget(name, space_of(model.manifest))
            return answer({"version": model.receipt.version, "name": name, "forgotten": forgotten})

        return await self._service.run(work)

    def _recogniser(self, model: Predictor) -> Recogniser:
        try:
            return Recogniser(self._store, model)
        except SettingsError as error:
            raise HTTPException(404, str(error)) from None

    def _require_allowed(self) -> None:
        if not self._service.enrols:
            raise HTTPException(
                403,
                "`/gallery`: expected a server that was started with `--enroll`, got one without; use"
                " `stillhouse-edge enroll`, `forget` and `gallery` on the device, or start it so",
            )
