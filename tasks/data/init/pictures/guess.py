"""What pictures become by a first recipe: a size, channels and 16-bit levels; and what is lost by that."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tasks.core.errors import printable
from tasks.data.init.pictures.looks import GREY, Looks, levels_of

SHOWN = 5
COLOURS = {1: "grey", 3: "colour", 4: "colour and alpha"}
_TRAITS = {
    "several": "hold several pictures (animations, pages): the first of each is read",
    "turned": "are turned upright, as their EXIF data says",
    "large": "are very large: they are made smaller while they are read",
    "deep colour": "have 16 bits per channel in colour: the upper 8 are read, so write them as 8 bits if less are used",
}


@dataclass(frozen=True)
class PictureGuess:
    """Side of the square that pictures are resized to in pixels, what becomes of their channels and 16-bit levels."""

    side: int
    channels: int
    levels: tuple[int, int] | None

    @property
    def in_words(self) -> str:
        """What a picture becomes."""
        return f"{self.side} x {self.side} {COLOURS[self.channels]}"

    @property
    def levels_line(self) -> str:
        """Their line in a recipe's reader, or nothing."""
        if not self.levels:
            return ""
        low, high = self.levels
        return f"    levels: [{low}, {high}]          # of 16-bit pixels: these become 0 and 255\n"


def guess_of(looks: Looks, sides: Sequence[int], channels: int | None = None) -> PictureGuess:
    """Returns the largest of the sides that most pictures have, and so many channels, or as many as they need."""
    side = median(min(size) for size in looks.sizes)
    fitting = [candidate for candidate in sides if candidate <= side]
    grey = all(mode in GREY for mode in looks.modes)
    needed = 4 if looks.traits["transparent"] else 1 if grey else 3
    return PictureGuess(fitting[-1] if fitting else sides[0], channels or needed, levels_of(looks))


def sizes_in_words(looks: Looks) -> str:
    """Returns (width x height) of the smallest and of the largest."""
    by_area = sorted(looks.sizes, key=lambda size: size[0] * size[1])
    ends = dict.fromkeys(f"{width} x {height}" for width, height in (by_area[0], by_area[-1]))
    return " to ".join(ends)


def notes_of_looks(looks: Looks, guess: PictureGuess) -> Iterator[str]:
    """Yields what is lost or changed."""
    if guess.levels:
        low, high = guess.levels
        yield f"16-bit pixels: values from {low:,} to {high:,} become 0 to 255; others are cut off."
    yield from _notes_of_channels(looks, guess)
    seen = len(looks.sizes)
    for trait, count in looks.traits.items():
        if trait in _TRAITS:
            yield f"{count:,} of {seen:,} images {_TRAITS[trait]}."
        elif trait.startswith("mode "):
            yield f"{count:,} of {seen:,} images have {trait}: Pillow converts them, without colour profiles."


def _notes_of_channels(looks: Looks, guess: PictureGuess) -> Iterator[str]:
    if guess.channels == 4:
        count = looks.traits["transparent"]
        yield f"Transparency: {count:,} images show something in alpha, so it is a fourth channel."
    elif looks.traits["transparent"]:
        yield f"Transparency: {looks.traits['transparent']:,} images show something in alpha, which is left out."
    elif any(mode.endswith("A") for mode in looks.modes):
        yield "Transparency: none of the pixels looked at is transparent, so alpha is left out (what is, shows white)."
    if {"L", "RGB"} < {*looks.modes} and guess.channels == 3:
        yield "Grey images become colour, as others have colour."


def counted_in_words(reasons: Mapping[str, int]) -> str:
    """Returns how many for each reason, most first."""
    return ", ".join(f"{count:,} {reason}" for reason, count in Counter(reasons).most_common())


def listed_in_words(names: Sequence[str]) -> str:
    """Returns the first of them in quotes, and how many more there are."""
    shown = ", ".join(f"`{printable(name)}`" for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
