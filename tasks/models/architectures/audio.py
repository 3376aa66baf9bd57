"""Networks for sound: a front end, then a network for pictures of frequency and time, or one that goes along time."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from params.models import Audio, Recurrent
from tasks.contracts.records import InputSpec
from tasks.models.architectures.lstm import RecurrentLayer
from tasks.models.audio.front_end import Spectrum, frames_of
from tasks.models.backbone import Backbone
from tasks.models.family import Family, backbone_of

FRONT_END = "front_end"


def build_audio(architecture: Audio, spec: InputSpec) -> Backbone:
    """Returns `front_end`, and behind it the layers of the network under their own names."""
    params = architecture.front_end
    frames = frames_of(params, spec.shape[0])
    if isinstance(architecture.network, Recurrent):
        inner = _along_time(architecture.network, params.features)
        front = SoundFeatures(Spectrum(params), params.features, picture=False)
    else:
        picture = InputSpec(layout="image", dtype="float32", shape=(1, params.features, frames))
        inner = backbone_of(architecture.network, picture)
        front = SoundFeatures(Spectrum(params), params.features, picture=True)
    layers = OrderedDict[str, nn.Module]({FRONT_END: front, **inner.layers})
    return Backbone(layers, inner.maps, inner.form, inner.dropout)


class SoundFeatures(nn.Module):
    """The spectrum, every band of it normalised, as a picture or as frames."""

    def __init__(self, spectrum: Spectrum, features: int, picture: bool) -> None:
        super().__init__()
        self.spectrum, self.norm, self.picture = spectrum, nn.BatchNorm1d(features), picture

    def forward(self, samples: Tensor) -> Tensor:
        """Returns (batch, 1, features, frames), or (batch, features, frames)."""
        features: Tensor = self.norm(self.spectrum(samples))
        return features.unsqueeze(1) if self.picture else features


class ChannelsFirstLayer(RecurrentLayer):
    """An LSTM or GRU over all frames of a clip: there is no padding."""

    def forward(self, frames: Tensor, _lengths: Tensor | None = None) -> Tensor:
        """Returns (batch, hidden, frames) of (batch, features, frames)."""
        steps = frames.transpose(1, 2)
        onward: Tensor = self.onward(steps)[0]
        if self.homeward is None:
            return onward.transpose(1, 2)
        homeward = self.homeward(steps.flip(1))[0].flip(1)
        return torch.cat([onward, homeward], dim=2).transpose(1, 2)


def _along_time(architecture: Recurrent, features: int) -> Backbone:
    """Returns the layers of `lstm` and `gru`, with channels in front of frames as all that sees sound has them."""
    layers, width = OrderedDict[str, nn.Module](), features
    for number in range(1, architecture.layers + 1):
        layers[f"layer{number}"] = ChannelsFirstLayer(architecture, width)
        layers[f"dropout{number}"] = nn.Dropout(architecture.dropout)
        width = architecture.hidden * (2 if architecture.bidirectional else 1)
    return Backbone(layers, {name: width for name in layers if name.startswith("dropout")}, "waveform")


ARCHITECTURE = Family(build_audio, layouts=("waveform",))
