"""Files that say which pairs a source is judged on, and in which fold each identity is, in the form of LFW.

`pairs.txt` begins with the number of folds and of pairs: of each fold so many pairs of one identity come first (NAME,
NUMBER, NUMBER), then as many of two (NAME, NUMBER, NAME, NUMBER). `people.txt` begins with the number of folds, each of
which begins with the number of its identities (NAME, NUMBER OF PICTURES). Columns are apart by tabs, or by spaces.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn

from tasks.core.errors import DataError, mismatch

FORM = "NAME, NUMBER, NUMBER for one identity, or NAME, NUMBER, NAME, NUMBER for two"
CORRECT = "correct the file"
TABS = "correct it; with spaces in names, put tabs between the columns"
Picture = tuple[str, int]
"""identity, and the number at the end of the file's name"""


@dataclass(frozen=True)
class ListedPair:
    """A pair of pictures, its number from 1 on, the line that lists it and its fold."""

    number: int
    line: int
    fold: int
    pictures: tuple[Picture, Picture]


@dataclass(frozen=True)
class _Line:
    """One line that is not empty, taken apart."""

    file: str
    number: int
    columns: tuple[str, ...]

    def refuse(self, expected: str, got: str | None = None, do: str = CORRECT) -> NoReturn:
        """Raises what is wrong with it."""
        found = "`" + " ".join(self.columns) + "`" if got is None else got
        raise DataError(mismatch(self.file, f"line {self.number}", expected, found, do))

    def count(self, place: int, what: str) -> int:
        """Returns a column as a number from 1 on."""
        text = self.columns[place]
        if not text.isdecimal() or int(text) < 1:
            self.refuse(f"{what}, from 1 on, in column {place + 1}", f"`{text}`")
        return int(text)


def read_pairs(stream: IO[bytes], file: str) -> tuple[ListedPair, ...]:
    """Returns the pairs of a `pairs.txt`.

    Raises:
        DataError: naming the first line that is not of the form, or is missing.
    """
    head, *lines = _lines(stream, file)
    if len(head.columns) > 2:
        head.refuse("the number of folds and of pairs of each sort in a fold, or of pairs alone")
    *folds, each = (head.count(place, "a number") for place in range(len(head.columns)))
    count = folds[0] if folds else 1
    if len(lines) != 2 * each * count:
        expected = f"{2 * each * count:,} lines behind the first, {each:,} pairs of each sort in {count} folds"
        head.refuse(expected, f"{len(lines):,}", "fetch the whole file, or correct its first line")
    return tuple(_pair(place, line, each) for place, line in enumerate(lines))


def _pair(place: int, line: _Line, each: int) -> ListedPair:
    fold, within = place // (2 * each) + 1, place % (2 * each)
    wanted = 3 if within < each else 4
    if len(line.columns) not in (3, 4):
        line.refuse(FORM, do=TABS)
    if len(line.columns) != wanted:
        sort = "one identity (3 columns)" if wanted == 3 else "two (4 columns)"
        line.refuse(f"a pair of {sort}: each fold has {each} of one and then {each} of two", do=TABS)
    name, first = line.columns[0], line.count(1, "the number of a picture")
    other = name if wanted == 3 else line.columns[2]
    second = line.count(wanted - 1, "the number of a picture")
    if (name, first) == (other, second) or (wanted == 4 and name == other):
        line.refuse("two different pictures" if wanted == 3 else "two different identities")
    return ListedPair(place + 1, line.number, fold, ((name, first), (other, second)))


def read_folds(stream: IO[bytes], file: str) -> dict[str, int]:
    """Returns the fold, from 1 on, of each identity of a `people.txt`.

    Raises:
        DataError: naming the first line that is not of the form, or is missing.
    """
    lines = iter(_lines(stream, file))
    head, fold_of = next(lines), dict[str, int]()
    if len(head.columns) != 1:
        head.refuse("the number of folds")
    for fold in range(1, head.count(0, "the number of folds") + 1):
        begins = next(lines, None)
        if begins is None:
            head.refuse(f"{head.columns[0]} folds", f"{fold - 1}", "fetch the whole file, or correct its first line")
        for name in _fold(begins, lines, fold_of):
            fold_of[name] = fold
    if (more := next(lines, None)) is not None:
        more.refuse("the end of the file behind the last fold")
    return fold_of


def _fold(begins: _Line, lines: Iterator[_Line], known: Mapping[str, int]) -> Iterator[str]:
    """Yields the identities of a fold, which begins with their number."""
    if len(begins.columns) != 1:
        begins.refuse("the number of identities of a fold")
    for _ in range(begins.count(0, "a number of identities")):
        line = next(lines, None)
        if line is None:
            begins.refuse(f"{begins.columns[0]} identities behind it", "fewer", "fetch the whole file")
        if len(line.columns) not in (1, 2) or line.columns[0] in known:
            line.refuse("the name of an identity that is there once, and a number of pictures")
        yield line.columns[0]


def listed_of(
    pairs: Sequence[ListedPair], file: str, pictures: Mapping[Picture, Sequence[str]], fold_of: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
    """Returns the numbers of the pairs that each picture is part of, by the name of its file.

    Raises:
        DataError: naming the first pair of a picture that is not there or is not told from another, or of identities
            of another fold.
    """
    found: dict[str, list[int]] = {}
    for pair in pairs:
        for identity, number in pair.pictures:
            names = pictures.get((identity, number), ())
            if not names:
                expected, got = "pictures of the source", f"{identity}, {number}, which is none"
                raise DataError(mismatch(file, f"line {pair.line}", expected, got, "correct the file, or add it"))
            if len(names) > 1:
                expected, got = f"one picture {number} of {identity}", " and ".join(f"`{name}`" for name in names)
                raise DataError(mismatch(file, f"line {pair.line}", expected, got, "leave one, or number them apart"))
            if fold_of.get(identity) != pair.fold:
                got = f"{identity} of fold {fold_of.get(identity, 'none')}"
                raise DataError(mismatch(file, f"line {pair.line}", f"identities of fold {pair.fold}", got, CORRECT))
            found.setdefault(names[0], []).append(pair.number)
    return {name: tuple(numbers) for name, numbers in found.items()}


def _lines(stream: IO[bytes], file: str) -> list[_Line]:
    """Returns all lines that are not empty; at least one."""
    found = []
    for number, content in enumerate(stream, start=1):
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            expected, got = "text in UTF-8", "other bytes"
            raise DataError(mismatch(file, f"line {number}", expected, got, "save it as UTF-8")) from None
        if text.strip():
            found.append(_Line(file, number, tuple(_columns(text))))
    if not found:
        raise DataError(mismatch(file, "", "lines of text", "none", "fetch it again"))
    return found


def _columns(text: str) -> Iterator[str]:
    parts = text.split("\t") if "\t" in text else text.split()
    yield from (part.strip() for part in parts if part.strip())
