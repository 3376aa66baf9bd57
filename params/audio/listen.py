"""What decides while a device listens, and the stream on which that is judged."""

from pydantic import Field

from params.section import Names, Section


class Listen(Section):
    """A device looks at the last clip's length of sound every `hop_ms`, and tells a word once.

    All of it but the stream goes into the manifest, and is signed with the release. The stream is made of clips of the
    test split in noise, with gaps; a seed decides their order.
    """

    hop_ms: float = Field(default=100.0, gt=0, le=10_000)
    """from one look to the next"""
    smooth: int = Field(default=3, ge=1, le=100)
    """looks whose mean counts"""
    threshold: float = Field(default=0.8, gt=0, le=1)
    """of that mean, from which on a word is detected"""
    refractory_ms: float = Field(default=1_000.0, ge=0, le=60_000)
    """after a word, in which no word is detected"""
    silent: Names = ("unknown", "silence")
    """labels that are no word; a device never tells them"""
    minutes: float = Field(default=30.0, gt=0, le=10_000)
    """of the stream"""
    gap_seconds: float = Field(default=3.0, gt=0, le=600)
    """between two clips of the stream, on average"""
    noise: float = Field(default=0.1, ge=0, le=10)
    """of the stream, in standard deviations of the training samples"""
    noise_label: str | None = None
    """whose test clips are the noise of the stream, such as `silence`; noise that is made where it is absent"""
    seed: int = Field(default=0, ge=0)
    """draws the clips and the noise of the stream"""
