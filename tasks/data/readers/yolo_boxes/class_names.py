"""Which class each number means: a `data.yaml`, a text with a name in each line, or the recipe says it."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from params.pictures.boxes import YoloBoxesReader
from tasks.core.errors import DataError, RecipeError, mismatch
from tasks.core.yaml_reader import parse_value
from tasks.data.readers.boxes.places import text_of
from tasks.data.readers.image_masks.packed import NamedFiles

YAML = (".yaml", ".yml")
OF_NAMES = ("classes.txt", "obj.names", "data.yaml", "data.yml", "dataset.yaml")
"""files that name classes, by what they are usually called"""


def class_names(reader: YoloBoxesReader, pack: NamedFiles) -> dict[int, str]:
    """Returns number -> name.

    Raises:
        DataError: the file is missing, or names no classes.
    """
    if reader.names is None:
        return dict(enumerate(reader.classes))
    return names_in(reader.names, text_of(pack, reader.names, "names"))


def names_in(file: str, text: str) -> dict[int, str]:
    """Returns the names in a `data.yaml` or a text.

    Raises:
        DataError: there are none.
    """
    found = dict(_of_yaml(file, text)) if file.endswith(YAML) else dict(enumerate(_lines(text)))
    if not found:
        do = "give a `data.yaml` with `names`, or a text with a name in each line"
        raise DataError(mismatch(file, "", "names of classes", "none", do))
    return found


def in_another_order(reader: YoloBoxesReader, names: Mapping[int, str], pack: NamedFiles) -> Iterator[str]:
    """Yields what to tell of other files that name the same classes in another order."""
    for file in pack.places:
        if PurePosixPath(file).name not in OF_NAMES or file == reader.names:
            continue
        try:
            others = names_in(file, text_of(pack, file, "names"))
        except DataError:
            continue
        if others != names and {*others.values()} == {*names.values()}:
            used = f"`{reader.names}`" if reader.names else "`data.reader.classes`"
            yield f"`{file}` names the classes in another order than {used}, which is used"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _of_yaml(file: str, text: str) -> Iterator[tuple[int, str]]:
    try:
        content: Any = parse_value(text, file)
    except RecipeError as error:
        raise DataError(str(error)) from None
    match content:
        case {"names": list() as names}:
            yield from enumerate(map(str, names))
        case {"names": dict() as names}:
            for number, name in names.items():
                if not str(number).isdecimal():
                    raise DataError(mismatch(file, "names", "numbers of classes", f"`{number}`", "correct it"))
                yield int(number), str(name)
