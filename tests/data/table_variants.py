"""Tables as strangers write them, each with what is to become of it; made of a seed.

The truth of a variant is what its cells mean, as Python values; the file is written from it by code of its own.
"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CATEGORIES: tuple[tuple[str, ...], ...] = (
    ("DE", "FR", "NA", "ZA"),
    ("None", "null", "nan", "N/A"),
    (" a", "a", "A "),
    ("größer", "klein", "ß"),
    ('say "hi"', "x,y", "p;q", "l|m", "t\tt"),
    ("two\nlines", "one"),
    ("01", "x", "007"),
    ("yes", "no"),
)
LABELS: tuple[tuple[str, ...], ...] = (
    *CATEGORIES,
    ("01", "007", "1", "1.0"),
    ("true", "false"),
    ("0", "1", "2"),
    ("good", "good ", "Good", "bad"),
    ("2026-01-01", "2026-01-02"),
)
NAMES = ("a b", "größe", 'we"ird', "x,y", "x;y", "[bold]", "1", "off", "temp", "x: y", "#", "Δ")
BAD = ("inf", "1e39", "abc", "-Infinity", "1_0", "12 kg")
MARKS = ("NA", "?", "n/a", "-", "NaN")
"""that mean a gap between numbers"""
LEARNED = ("number", "whole", "percent", "boolean", "category")
PASSED_OVER = ("empty", "constant", "index", "id", "text", "date", "nested", "blob")
Cell = float | bool | str | None


@dataclass
class TrueColumn:
    """What the cells of a column mean; None for a gap."""

    name: str
    kind: str
    values: list[Cell]
    texts: list[str] = field(default_factory=list)
    """as the CSV file has them"""

    @property
    def learned(self) -> bool:
        return self.kind in LEARNED


@dataclass
class Variant:
    """A file, and what is to become of it."""

    name: str
    content: bytes
    columns: list[TrueColumn]
    labels: list[str | None]
    bad: dict[int, str]
    """row -> a cell that is no number"""
    quarantine: bool
    """the recipe is to leave bad rows out"""
    fault: str
    """of what it cannot become a dataset; empty where it can"""

    @property
    def csv(self) -> bool:
        return not self.name.endswith(".parquet")


def variant(seed: int) -> Variant:
    """Returns the table of a seed."""
    return _Maker(Random(seed)).made()


class _Maker:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.rows = random.randint(40, 70)
        self.parquet = random.random() < 0.25
        self.encoding = random.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "windows-1252"])
        self.separator = random.choice([",", ",", ";", "\t", "|"])
        self.decimal, self.thousands = random.choice([(".", ""), (".", ""), (",", ""), (",", "."), (".", "'")])
        self.names = random.sample([name for name in NAMES if self._writable(name)], 8)
        self.numbering = random.sample(["id", "ID", "uuid", "row_id", "Index"], 5)
        self.bad: dict[int, str] = {}
        self.fault = random.choice(FAULTS) if random.random() < 0.3 else ""

    def made(self) -> Variant:
        columns = self._columns()
        labels = self._labels()
        quarantine = not self.fault and not self.parquet and self.random.random() < 0.2
        if quarantine or (self.fault == "bad cell" and not self.parquet):
            self._spoil(columns[0])
        elif self.fault == "bad cell":
            self.fault = ""
        columns = self.random.sample(columns, len(columns))
        label = self.random.choice(["label", "target", "Class", "y"])
        place = self.random.randint(0, len(columns))
        content = self._parquet(columns, labels, label) if self.parquet else self._csv(columns, labels, label, place)
        name = "t.parquet" if self.parquet else self.random.choice(["t.csv", "t.tsv", "t.txt"])
        return Variant(name, content, columns, labels, self.bad, quarantine, self.fault)

    def _writable(self, text: str) -> bool:
        try:
            text.encode("utf-8" if self.parquet else self.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def _columns(self) -> list[TrueColumn]:
        if self.fault == "nothing to learn from":
            return [self._column(self.random.choice(["empty", "constant", "text", "date"])) for _ in range(2)]
        kinds = self.random.choices(LEARNED, k=self.random.randint(0, 3))
        over = [kind for kind in PASSED_OVER if self.parquet or kind not in ("nested", "blob")]
        kinds += self.random.choices(over, k=self.random.randint(0, 2))
        return [self._column("number"), *map(self._column, kinds)]

    def _column(self, kind: str) -> TrueColumn:
        name = self.numbering.pop() if kind == "id" else self.names.pop()
        if kind == "index" and not self.parquet and self.random.random() < 0.5:
            name = ""
        values = [self._value(kind, row) for row in range(self.rows)]
        if kind == "category":
            known = self.random.choice([some for some in CATEGORIES if all(map(self._writable, some))])
            values = [self.random.choice(known) for _ in range(self.rows)]
        if kind in LEARNED:
            share = self.random.choice([0, 0, 0, 0.02, 0.2])
            values = [None if self.random.random() < share else value for value in values]
        column = TrueColumn(name, kind, values)
        mark = self.random.choice(["", " ", *MARKS]) if kind in ("number", "whole") else ""
        column.texts = [mark if value is None else self._text(kind, value) for value in values]
        return column

    def _value(self, kind: str, row: int) -> Cell:
        random = self.random
        made: dict[str, Callable[[], Cell]] = {
            "number": lambda: float(f"{random.gauss(0, 2000):.2f}"),
            "whole": lambda: float(random.randint(-9, 9)),
            "percent": lambda: float(f"{random.uniform(0, 100):.1f}"),
            "boolean": lambda: random.random() < 0.5,
            "empty": lambda: None,
            "constant": lambda: "same",
            "index": lambda: float(row * 3),
            "id": lambda: float(random.randint(0, 10**6)),
            "text": lambda: f"part {row}, {random.random()}",
            "date": lambda: (dt.date(2026, 1, 1) + dt.timedelta(days=row // 4)).isoformat(),
        }
        return made[kind]() if kind in made else None

    def _text(self, kind: str, value: Cell) -> str:
        """Returns a value as people write it down in the form of this file."""
        if kind == "boolean":
            return self.random.choice(["true", "True", "TRUE"]) if value else self.random.choice(["false", "False"])
        if isinstance(value, str):
            return value
        assert value is not None
        if kind in ("whole", "index", "id"):
            return str(int(value))
        if kind == "percent":
            return f"{value:.1f}".replace(".", self.decimal) + self.random.choice(["%", " %"])
        whole, decimals = f"{value:,.2f}".split(".")
        return whole.replace(",", self.thousands) + self.decimal + decimals

    def _labels(self) -> list[str | None]:
        random = self.random
        made: dict[str, Callable[[int], str]] = {
            "several in one cell": lambda row: ("a;b", "a", "b;c", "c")[row % 4],
            "at least two classes": lambda row: "same",
            "different texts": lambda row: f"text {row}",
        }
        if self.fault in made:
            return [made[self.fault](row) for row in range(self.rows)]
        known = random.choice([some for some in LABELS if all(map(self._writable, some))])
        drawn: list[str | None] = [known[row % len(known)] for row in range(self.rows)]
        random.shuffle(drawn)
        if random.random() < 0.2:
            drawn[random.randrange(self.rows)] = None
        return drawn

    def _spoil(self, column: TrueColumn) -> None:
        for row in self.random.sample(range(self.rows), self.random.randint(1, 2)):
            column.texts[row] = column.values[row] = self.bad[row] = self.random.choice(BAD)

    def _csv(self, columns: Sequence[TrueColumn], labels: Sequence[str | None], label: str, place: int) -> bytes:
        random = self.random
        header = [column.name for column in columns]
        cells = [column.texts for column in columns]
        header.insert(place, "what" if self.fault == "a column label" else label)
        cells.insert(place, [text or "" for text in labels])
        if self.fault == "twice":
            header.append(header[0] or "x")
            cells.append(cells[0])
            header[0] = header[-1]
        stream = io.StringIO()
        end = random.choice(["\n", "\r\n"])
        writer = csv.writer(stream, delimiter=self.separator, lineterminator=end, quoting=random.choice([0, 0, 1]))
        padded = [f" {name} " if random.random() < 0.1 else name for name in header]
        trailing = [""] * (random.random() < 0.1)
        writer.writerow(padded)
        for row in zip(*cells, strict=True):
            writer.writerow([*row, *trailing])
            stream.write(end * (random.random() < 0.02))
        return self._broken(stream.getvalue(), end)

    def _broken(self, text: str, end: str) -> bytes:
        if self.fault == "an empty file":
            text = ""
        if self.fault == "as many fields":
            text += self.separator.join(["9"] * 30) + end
        if self.fault == "a quote":
            text += f'"1{self.separator}2{end}'
        if self.fault == "got 0":
            text = text.split(end)[0] + end
        return text.encode(self.encoding)

    def _parquet(self, columns: Sequence[TrueColumn], labels: Sequence[str | None], label: str) -> bytes:
        if self.fault in ("twice", "an empty file", "as many fields", "a quote", "got 0"):
            self.fault = ""
        arrays = {column.name: self._array(column) for column in columns}
        texts = pa.array(labels, pa.string())
        name = "what" if self.fault == "a column label" else label
        arrays[name] = texts.dictionary_encode() if self.random.random() < 0.5 else texts
        stream = io.BytesIO()
        pq.write_table(pa.table(arrays), stream)
        return stream.getvalue()

    def _array(self, column: TrueColumn) -> pa.Array:
        values, random = column.values, self.random
        made: dict[str, Callable[[], pa.Array]] = {
            "number": lambda: random.choice(
                [
                    pa.array(values, pa.float64()),
                    pa.array([None if v is None else Decimal(f"{v:.2f}") for v in values], pa.decimal128(12, 2)),
                ]
            ),
            "whole": lambda: pa.array(
                [None if v is None else int(v) for v in values],
                random.choice([pa.int8(), pa.int64(), pa.float32(), pa.float64()]),
            ),
            "boolean": lambda: pa.array(values, pa.bool_()),
            "empty": lambda: random.choice([pa.nulls(self.rows), pa.nulls(self.rows, pa.float64())]),
            "index": lambda: pa.array([int(v or 0) for v in values], pa.int64()),
            "id": lambda: pa.array([int(v or 0) for v in values], pa.uint32()),
            "date": lambda: self._dates(values),
            "nested": lambda: random.choice(
                [pa.array([[1.0, 2.0]] * self.rows), pa.array([{"x": 1.0}] * self.rows), pa.array([[[1]]] * self.rows)]
            ),
            "blob": lambda: pa.array([b"\xff\x00"] * self.rows, random.choice([pa.binary(), pa.large_binary()])),
            "category": lambda: random.choice([pa.array(values), pa.array(values).dictionary_encode()]),
            "percent": lambda: pa.array([None if v is None else f"{v:.1f}%" for v in values]),
        }
        found: pa.Array = made.get(column.kind, lambda: pa.array(values, pa.large_string()))()
        return found

    def _dates(self, values: Sequence[Any]) -> pa.Array:
        days = [dt.datetime.fromisoformat(value) for value in values]
        return pa.array(days, self.random.choice([pa.date32(), pa.date64(), pa.timestamp("us"), pa.timestamp("ns")]))


FAULTS = (
    "several in one cell",
    "at least two classes",
    "different texts",
    "twice",
    "as many fields",
    "a quote",
    "an empty file",
    "got 0",
    "a column label",
    "nothing to learn from",
    "bad cell",
)
"""what the message says, or what is done"""
