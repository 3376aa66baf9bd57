"""How the files of a source are read: one section per reader, by what they are read as; `Reader` is any of them."""

from typing import Annotated

from pydantic import Field

from params.audio.readers import AudioFolderReader, AudioTableReader, KaldiReader, SpeechCommandsReader
from params.pictures.boxes import BOXES, BoxTableReader, CocoBoxesReader, VocBoxesReader, YoloBoxesReader
from params.pictures.names import ImageNamesReader
from params.readers.file_bytes import FileBytesReader
from params.readers.masks import MASK, CocoMasksReader, ImageMasksReader, MaskFolders
from params.readers.picture_table import ImageTableReader
from params.readers.pictures import IdentityFolderReader, IdxFiles, IdxReader, ImageFolderReader, PixelTableReader
from params.readers.sequences import (
    LongTableReader,
    SequenceArrays,
    SequenceArraysReader,
    TimeSeriesReader,
    WideTableReader,
)
from params.readers.tables import ALL_COLUMNS, TableReader
from params.section import LABEL, Layout

__all__ = [
    "ALL_COLUMNS",
    "BOXES",
    "LABEL",
    "MASK",
    "CocoMasksReader",
    "FileBytesReader",
    "IdentityFolderReader",
    "IdxFiles",
    "IdxReader",
    "ImageFolderReader",
    "ImageMasksReader",
    "ImageTableReader",
    "Layout",
    "LongTableReader",
    "MaskFolders",
    "PixelTableReader",
    "Reader",
    "SequenceArrays",
    "SequenceArraysReader",
    "TableReader",
    "TimeSeriesReader",
    "WideTableReader",
]

Reader = Annotated[
    PixelTableReader
    | ImageFolderReader
    | IdentityFolderReader
    | ImageTableReader
    | ImageNamesReader
    | ImageMasksReader
    | CocoMasksReader
    | CocoBoxesReader
    | YoloBoxesReader
    | VocBoxesReader
    | BoxTableReader
    | IdxReader
    | TimeSeriesReader
    | FileBytesReader
    | TableReader
    | LongTableReader
    | WideTableReader
    | SequenceArraysReader
    | AudioFolderReader
    | AudioTableReader
    | KaldiReader
    | SpeechCommandsReader,
    Field(discriminator="kind"),
]
