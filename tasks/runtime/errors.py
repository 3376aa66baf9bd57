"""The exceptions of the runtime, by what the operator of a device should do next.

RuntimeBundleError
├── ManifestError      the manifest is not one this runtime reads: update the runtime, or write the bundle again
├── TamperedError      bytes are not what the manifest says: fetch the bundle again
├── ModelError         ONNX Runtime cannot run the model: update onnxruntime, or export again
├── OldRuntimeError    the ONNX Runtime here is older than the model: update onnxruntime
├── SelfTestError      the model runs but answers otherwise, or slower, than it should: roll back
├── WrongInputError    what was fed is not what the model takes: correct the caller                  exit 2
│   └── UnknownNameError   nobody is enrolled under the name: correct it                             exit 2
├── SettingsError      the device's home or an option is wrong: correct it                          exit 2
├── ChannelError       the channel offers something that is not to be trusted: ask its publisher
├── OfflineError       the channel cannot be reached: try again
├── HeldOutError       the channel still offers what failed here: wait for another release, or force it
├── EnrolmentError     names were enrolled with another model: enrol them again, or go back to it
├── LockedError        another update or rollback is at work: try again
└── NoModelError       there is no release to run, to fetch or to go back to
"""


class RuntimeBundleError(Exception):
    """The message says what was expected, what was found, and what to do."""

    exit_code = 1


class ManifestError(RuntimeBundleError):
    """The manifest is missing, malformed or of another format."""


class TamperedError(RuntimeBundleError):
    """A file is missing, unlisted, or differs from its digest."""


class ModelError(RuntimeBundleError):
    """The bytes are verified, but no model that can run here."""


class OldRuntimeError(RuntimeBundleError):
    """The ONNX Runtime that is installed does not know the versions of ONNX that the model is written in."""


class SelfTestError(RuntimeBundleError):
    """Golden outputs are not reproduced within the tolerance, or not within the time."""


class WrongInputError(RuntimeBundleError):
    """An array has another dtype or shape than the model takes."""

    exit_code = 2


class UnknownNameError(WrongInputError):
    """Nobody is enrolled under a name."""


class SettingsError(RuntimeBundleError):
    """A file of the device's home, or an option, is not what it should be."""

    exit_code = 2


class ChannelError(RuntimeBundleError):
    """What the channel serves is refused; `kind` names the attack, or the mistake, that looks like it."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(f"{kind}: {message}")


class OfflineError(RuntimeBundleError):
    """The channel does not answer, or not in time."""


class HeldOutError(RuntimeBundleError):
    """The release that the channel offers has failed here before, or was left by a rollback."""


class EnrolmentError(RuntimeBundleError):
    """Names were enrolled with a model whose vectors cannot be compared with those of the one that runs."""


class LockedError(RuntimeBundleError):
    """The home is locked by another process."""


class NoModelError(RuntimeBundleError):
    """A release was expected and there is none."""
