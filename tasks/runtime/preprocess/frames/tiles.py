"""How a large picture is cut into tiles of one size that overlap."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TileRule:
    """The (height, width) of a tile in pixels of the picture, and how many pixels neighbours share at least."""

    size: tuple[int, int]
    overlap: int = 0

    def corners(self, height: int, width: int) -> list[tuple[int, int]]:
        """Returns (top, left) of each tile of a picture, row by row.

        As few as possible, spread evenly: the first begins and the last ends with the picture. A picture that is
        smaller than a tile is in one, which reaches out of it below or on the right.
        """
        tops, lefts = (_starts(side, tile, self.overlap) for side, tile in zip((height, width), self.size, strict=True))
        return [(top, left) for top in tops for left in lefts]


def _starts(side: int, tile: int, overlap: int) -> list[int]:
    room = max(0, side - tile)
    steps = -(-room // (tile - overlap))
    return [round(room * step / steps) for step in range(steps + 1)] if steps else [0]
