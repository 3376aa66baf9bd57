"""The exceptions of the runtime, by what the operator of a device should do next.

RuntimeBundleError
├── ManifestError      the manifest is not one this runtime reads: update the runtime, or write the bundle again
├── TamperedError      bytes are not what the manifest says: fetch the bundle again
├── ModelError         ONNX Runtime cannot run the model: update onnxruntime, or export again
├── SelfTestError      the model runs but answers otherwise than where it was made: roll back
└── WrongInputError    what was fed is not what the model takes: mend the caller
"""


class RuntimeBundleError(Exception):
    """The message says what was expected, what was found, and what to do."""


class ManifestError(RuntimeBundleError):
    """The manifest is missing, malformed or of another format."""


class TamperedError(RuntimeBundleError):
    """A file is missing, unlisted, or differs from its digest."""


class ModelError(RuntimeBundleError):
    """The bytes are verified, but no model that can run here."""


class SelfTestError(RuntimeBundleError):
    """Golden outputs are not reproduced within the tolerance."""


class WrongInputError(RuntimeBundleError):
    """An array has another dtype or shape than the model takes."""
