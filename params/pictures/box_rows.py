"""How a detector that was made elsewhere writes the boxes that it has found."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, model_validator

from params.section import Names, Section, not_empty, twice

CORNERS, FROM_CORNER, FROM_MIDDLE = (
    ("x0", "y0", "x1", "y1"),
    ("x0", "y0", "width", "height"),
    ("cx", "cy", "width", "height"),
)
FORMS = (CORNERS, FROM_CORNER, FROM_MIDDLE)
"""numbers that are a box together, in any order"""
ROWS_FIRST = ("y0", "x0", "y1", "x1")
"""an order that is taken for the first of them at times"""
SCORE, CLASS, SCORES, OTHER = BESIDE = ("score", "class", "scores", "other")


class BoxRows(Section):
    """What the numbers of a box are: (N, boxes, numbers) or (N, numbers, boxes), of all `outputs` side by side.

    Further outputs may be (N, boxes), such as scores, and all may lack N where a graph takes one picture at a time.
    Boxes that overlap a better one of their class are suppressed, by the `overlap` of the reader.
    """

    columns: Annotated[Names, AfterValidator(not_empty)]
    """the name of each number in turn. A box is `x0, y0, x1, y1`, or `x0, y0, width, height`, or `cx, cy, width,
    height`, in any order. Then `score` and `class`, the place of a name in `teacher.classes`; or, last, `scores`, one
    for each name in turn, which `score` multiplies if it is there, too. `other` is not looked at"""
    unit: Literal["pixels", "share"] = "pixels"
    """pixels of the picture that the graph is given, or parts of its width and height"""

    @model_validator(mode="after")
    def _boxes_are_whole(self) -> Self:
        named = tuple(name for name in self.columns if name != OTHER)
        known = {SCORE, CLASS, SCORES, *(name for form in FORMS for name in form)}
        problems = [
            f"`{name}` is no column; they are {', '.join(sorted(known))}, other" for name in named if name not in known
        ]
        problems += twice("columns", named)
        if not problems and self.form is None:
            problems += [f"`columns` need {', or '.join(', '.join(form) for form in FORMS)}"]
        if not problems and (SCORES in named) == (CLASS in named):
            problems += ["`columns` need `score` and `class`, or `scores`, which are one for each class"]
        if CLASS in named and SCORE not in named:
            problems += ["`columns` with `class` need `score`"]
        if SCORES in self.columns[:-1]:
            problems += ["`scores` come last in `columns`: how many there are is not said"]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def form(self) -> tuple[str, ...] | None:
        """The four numbers that are a box; None where they are not there, or others besides."""
        there = {name for name in self.columns if any(name in form for form in FORMS)}
        return next((form for form in FORMS if there == {*form}), None)

    def ways(self) -> list[tuple[str, "BoxRows"]]:
        """Returns in words, and as a section, how the boxes may be meant instead."""
        found = []
        for order in (*FORMS, ROWS_FIRST):
            numbers = iter(order)
            columns = tuple(name if name in BESIDE else next(numbers) for name in self.columns)
            if columns != self.columns:
                found.append((f"`columns: [{', '.join(columns)}]`", self.model_copy(update={"columns": columns})))
        other: Any = "share" if self.unit == "pixels" else "pixels"
        return [*found, (f"`unit: {other}`", self.model_copy(update={"unit": other}))]
