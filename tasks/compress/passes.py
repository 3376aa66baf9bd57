"""From the student to the files that could ship: one module per pass, named after its kind.

Passes over networks come first, in any number; the last step of a candidate makes its file. A pass that can do nothing
raises `NotPossibleError` with the reason. What was made is measured like all others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from params.compress import CandidateParams, NetworkPass
from tasks.compress.context import CompressionContext, NotPossibleError, file_pass
from tasks.compress.measure import BuiltCandidate
from tasks.core.plugins import load
from tasks.core.record import canonical_digest
from tasks.models.build import Network
from tasks.models.export import export_onnx


class CandidateBuilder:
    """Makes candidates; networks and exports that several of them begin with are made once."""

    def __init__(self, context: CompressionContext) -> None:
        self.context = context
        self._networks: dict[str, Network | NotPossibleError] = {}
        self._exported: dict[str, Path] = {}

    def network(self, candidate: CandidateParams) -> Network:
        """Returns the student after the passes over networks.

        Raises:
            NotPossibleError: one of them can do nothing.
        """
        network = self.context.student
        for count, params in enumerate(candidate.network_passes, start=1):
            key = _key(candidate.network_passes[:count])
            if key not in self._networks:
                self._networks[key] = self._passed(network, params)
            built = self._networks[key]
            if isinstance(built, NotPossibleError):
                raise built
            network = built
        return network

    def build(self, candidate: CandidateParams) -> BuiltCandidate:
        """Writes the file of a candidate.

        Raises:
            NotPossibleError: one of its passes can do nothing.
            StageError: the network cannot be exported.
        """
        path, last = self.context.directory / f"{candidate.called}.onnx", candidate.file_pass
        exported, network = self._export(candidate), self.network(candidate)
        reference = file_pass(last.kind).make(self.context, exported, last, path) or network
        return BuiltCandidate(
            candidate.called, last.kind, network, exported, path, bool(candidate.network_passes), reference
        )

    def _export(self, candidate: CandidateParams) -> Path:
        """Returns the network of a candidate as ONNX, in fp32."""
        key = _key(candidate.network_passes)
        if key not in self._exported:
            path = self.context.directory / f"exported-{len(self._exported)}.onnx"
            export_onnx(self.network(candidate), path)
            self._exported[key] = path
        return self._exported[key]

    def _passed(self, network: Network, params: Any) -> Network | NotPossibleError:
        try:
            made: Network = load("tasks.compress.network_passes.{}", params.kind).PASS(self.context, network, params)
            return made
        except NotPossibleError as reason:
            return reason


def _key(passes: Sequence[NetworkPass]) -> str:
    return canonical_digest({"passes": [params.model_dump(mode="json") for params in passes]})
