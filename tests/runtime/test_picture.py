"""Picture files as a model's inputs: what becomes of each kind of picture, the same in training and on the device."""

import base64
import io
import struct
import sys
import threading
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from params.readers import ImageFolderReader
from tasks.data.readers.picture import format_of, read_picture
from tasks.runtime.bundle.fields import Fields
from tasks.runtime.errors import ManifestError, SettingsError, WrongInputError
from tasks.runtime.preprocess import picture
from tasks.runtime.preprocess.picture import PicturePreprocessor
from tasks.runtime.preprocess.picture_format import PictureFormat

Pixels = NDArray[np.uint8]
SIDE = 16
random = np.random.default_rng(0)
GREY, COLOUR, LAYERS = (random.integers(0, 256, (SIDE, SIDE, *more), dtype=np.uint8) for more in ((), (3,), (4,)))


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def read(content: bytes, channels: int = 3, **facts: Any) -> Pixels:
    values: Pixels = PictureFormat((SIDE, SIDE), channels, **facts).values(io.BytesIO(content))
    return values


def loaded(format_: PictureFormat) -> PicturePreprocessor:
    return picture.load(Fields({k: v for k, v in format_.facts().items() if k != "kind"}, "preprocessing"))


PALETTE = Image.fromarray(COLOUR).quantize(8)
MANY = {
    "PNG grey": file(Image.fromarray(GREY)),
    "PNG colour": file(Image.fromarray(COLOUR)),
    "PNG alpha": file(Image.fromarray(LAYERS)),
    "PNG 16 bit": file(Image.fromarray(GREY.astype(np.uint16) * 16)),
    "PNG palette": file(PALETTE),
    "PNG transparent palette": file(PALETTE, transparency=3),
    "PNG 1 bit": file(Image.fromarray(GREY).convert("1")),
    "JPEG": file(Image.fromarray(COLOUR), "JPEG"),
    "JPEG CMYK": file(Image.fromarray(COLOUR).convert("CMYK"), "JPEG"),
    "BMP": file(Image.fromarray(COLOUR), "BMP"),
    "GIF": file(PALETTE, "GIF"),
    "TIFF 16 bit": file(Image.fromarray(GREY.astype(np.uint16) * 256), "TIFF"),
    "WEBP": file(Image.fromarray(LAYERS), "WEBP"),
}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", MANY)
def test_the_device_computes_the_very_pixels_of_training(name: str, channels: int) -> None:
    reader = ImageFolderReader.model_validate(
        {"kind": "image_folder", "size": [9, 7], "channels": channels, "levels": [10, 4_095], "background": 7}
    )
    trained, problem = read_picture(io.BytesIO(MANY[name]), reader)
    assert not problem
    device = loaded(format_of(reader))
    assert trained.shape == (channels, 9, 7)
    assert np.array_equal(device.from_file(MANY[name]).arrays["inputs"], trained[np.newaxis])
    record: dict[str, Any] = {"image": base64.b64encode(MANY[name]).decode(), "id": 3}
    assert np.array_equal(device.from_records([record, record]).arrays["inputs"], np.stack([trained, trained]))


def test_grey_and_colour_of_the_right_size_stay_as_they_are() -> None:
    assert np.array_equal(read(MANY["PNG grey"], 1)[0], GREY)
    assert np.array_equal(read(MANY["PNG colour"]), COLOUR.transpose(2, 0, 1))
    assert np.array_equal(read(MANY["PNG alpha"], 4), LAYERS.transpose(2, 0, 1))


def test_12_bits_in_16_keep_256_levels_where_the_recipe_names_the_range() -> None:
    twelve = file(Image.fromarray(np.arange(4_096, dtype=np.uint16).reshape(64, 64)))
    whole = PictureFormat((64, 64), 1).values(io.BytesIO(twelve))
    named = PictureFormat((64, 64), 1, levels=(0, 4_095)).values(io.BytesIO(twelve))
    assert np.array_equal(whole.ravel(), np.arange(4_096) // 256)
    assert np.array_equal(named.ravel(), np.arange(4_096) // 16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_outside_the_range_become_its_ends(kind: str) -> None:
    deep = np.full((SIDE, SIDE), 900, np.uint16)
    deep[0], deep[1] = 0, 65_535
    assert read(file(Image.fromarray(deep), kind), 1, levels=(500, 1_011))[0, :3, 0].tolist() == [0, 255, 200]


def test_what_alpha_alone_shows_is_seen_with_four_channels_and_in_front_of_the_background() -> None:
    layers = np.full((SIDE, SIDE, 4), 9, np.uint8)
    layers[..., 3], layers[:, :8, 3] = 255, 0
    content = file(Image.fromarray(layers))
    assert read(content, 4)[3, 0, [0, 15]].tolist() == [0, 255]
    assert read(content, 3)[:, 0, [0, 15]].tolist() == [[255, 9]] * 3
    assert read(content, 1, background=100)[0, 0, [0, 15]].tolist() == [100, 9]


def test_an_opaque_alpha_changes_nothing() -> None:
    opaque = np.dstack([COLOUR, np.full((SIDE, SIDE), 255, np.uint8)])
    assert np.array_equal(read(file(Image.fromarray(opaque))), COLOUR.transpose(2, 0, 1))


def test_the_transparent_colour_of_a_palette_shows_the_background() -> None:
    seen = read(MANY["PNG transparent palette"], background=1).transpose(1, 2, 0)
    plain = np.asarray(PALETTE.convert("RGB"))
    where = np.asarray(PALETTE) == 3
    assert where.any()
    assert (seen[where] == 1).all()
    assert np.array_equal(seen[~where], plain[~where])


def test_cmyk_becomes_rgb_as_pillow_converts_it() -> None:
    cmyk = Image.fromarray(LAYERS, "CMYK")
    assert np.array_equal(read(file(cmyk, "TIFF")), np.asarray(cmyk.convert("RGB")).transpose(2, 0, 1))


def test_of_an_animation_the_first_picture_is_read() -> None:
    shades = [Image.new("L", (SIDE, SIDE), shade) for shade in (10, 200)]
    for kind in ("GIF", "TIFF", "WEBP", "PNG"):
        content = file(shades[0], kind, save_all=True, append_images=shades[1:])
        assert (abs(read(content, 1).astype(int) - 10) <= 1).all(), kind


def test_pictures_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    assert np.array_equal(read(file(Image.fromarray(GREY), exif=exif), 1)[0], np.rot90(GREY, -1))


def _png(width: int, height: int) -> bytes:
    """Returns a PNG whose header announces pixels that do not follow."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected an image, got an empty file"),
        (b"taken on line 3", "expected an image, got a file that begins with 74 61 6b 65 6e 20 6f 6e"),
        (MANY["PNG colour"][:200], "expected a whole image, got one that breaks off or is damaged"),
        (MANY["JPEG"][:200], "expected a whole image, got one that breaks off or is damaged"),
        (MANY["WEBP"][:100], "expected"),
        (_png(SIDE, SIDE), "expected a whole image, got one that breaks off or is damaged"),
        (_png(20_000, 15_001), "expected at most 300,000,000 pixels, got 20,000 x 15,001; cut it or make it smaller"),
        (_png(2**31 - 1, 2**31 - 1), "expected at most 300,000,000 pixels"),
        (file(Image.new("F", (4, 4)), "TIFF"), "got floating point pixels (mode F); write it as 8 or 16 bits"),
        (file(Image.new("I", (4, 4)), "TIFF"), "got 32-bit or signed pixels (mode I)"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "expected an image, got a file that begins with"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_it_is(content: bytes, said: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(WrongInputError) as told:
            loaded(PictureFormat((SIDE, SIDE))).from_file(content)
    assert str(told.value).startswith("`inputs`: expected")
    assert said in str(told.value)


def test_every_damaged_file_is_an_answer_and_no_other_error() -> None:
    preprocessor = loaded(PictureFormat((SIDE, SIDE)))
    for name, content in MANY.items():
        for seed in range(12):
            dice = np.random.default_rng([seed, *name.encode()])
            damaged = bytearray(content)
            for place in dice.integers(0, len(damaged), 1 + seed):
                damaged[place] = dice.integers(256)
            try:
                values = preprocessor.from_file(bytes(damaged)).arrays["inputs"]
            except WrongInputError:
                continue
            assert values.shape == (1, 3, SIDE, SIDE)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "`inputs.0.image`: expected a picture file in base64, got none"),
        ({"image": 3}, "`inputs.0.image`: expected a picture file in base64, got 3"),
        ({"image": "###"}, "`inputs.0.image`: expected a picture file in base64, got '###'"),
        ({"image": "aGk="}, "`inputs.0.image`: expected an image, got a file that begins with 68 69"),
    ],
)
def test_a_record_without_a_picture_is_told(record: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongInputError, match=said):
        loaded(PictureFormat((SIDE, SIDE))).from_records([record])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", [8]),
        ("size", [0, 8]),
        ("channels", 2),
        ("levels", [5, 5]),
        ("levels", [0, 65_536]),
        ("background", 256),
        ("filter", "nearest"),
        ("centre_crop", 0),
        ("centre_crop", 1.5),
    ],
)
def test_a_manifest_that_asks_for_what_is_not_there_is_refused(field: str, value: object) -> None:
    facts = {**PictureFormat((SIDE, SIDE)).facts(), field: value}
    with pytest.raises(ManifestError, match=field):
        picture.load(Fields(facts, "preprocessing"))


def test_pillows_own_limit_is_as_before_when_several_threads_are_done() -> None:
    before = Image.MAX_IMAGE_PIXELS
    contents = [MANY["PNG colour"], b"", _png(20_000, 20_000)] * 10

    def ask(content: bytes) -> None:
        with pytest.raises(WrongInputError) if content != MANY["PNG colour"] else warnings.catch_warnings():
            read(content)

    threads = [threading.Thread(target=ask, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_device_without_pillow_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    preprocessor = loaded(PictureFormat((SIDE, SIDE)))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(SettingsError, match=r'pip install "stillhouse-edge\[images\]"'):
        preprocessor.from_file(MANY["PNG grey"])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_line_scan_is_made_smaller_and_keeps_what_it_shows(kind: str) -> None:
    scan = Image.new("L", (12_000, 9_000), 30)
    scan.paste(220, (0, 0, 6_000, 9_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = read(file(scan, kind), 1)[0]
    assert (seen[:, :7] == 220).all()
    assert (seen[:, 9:] == 30).all()


def test_of_a_picture_the_middle_is_kept() -> None:
    assert np.array_equal(read(MANY["PNG colour"], centre_crop=1.0).transpose(1, 2, 0), COLOUR)
    half = PictureFormat((8, 8), centre_crop=0.5)
    values, frames = half.samples(io.BytesIO(MANY["PNG colour"]))
    assert np.array_equal(values[0].transpose(1, 2, 0), COLOUR[4:12, 4:12])
    assert (frames[0].corner, frames[0].size) == ((4, 4), (8, 8))
    wide, _ = PictureFormat((8, 16), centre_crop=0.5).samples(io.BytesIO(file(Image.new("RGB", (64, 16)))))
    assert wide.shape == (1, 3, 8, 16)


def test_the_middle_is_the_same_in_training_and_on_the_device() -> None:
    reader = ImageFolderReader.model_validate({"kind": "image_folder", "size": [9, 7], "centre_crop": 0.6})
    trained, problem = read_picture(io.BytesIO(MANY["JPEG"]), reader)
    assert not problem
    assert np.array_equal(loaded(format_of(reader)).from_file(MANY["JPEG"]).arrays["inputs"], trained[np.newaxis])
    whole = reader.model_copy(update={"centre_crop": 1.0})
    assert not np.array_equal(trained, read_picture(io.BytesIO(MANY["JPEG"]), whole)[0])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_middle_of_a_picture_that_is_made_smaller_first_is_its_middle(kind: str) -> None:
    scan = Image.new("L", (12_000, 9_000), 30)
    scan.paste(220, (3_000, 2_250, 9_000, 6_750))
    seen = read(file(scan, kind), 1, centre_crop=0.5)[0]
    assert (seen > 200).mean() > 0.85, "but for a border where both meet"
    outside = read(file(scan, kind), 1, centre_crop=0.75)[0]
    assert (outside[0] == 30).all()
    assert outside[SIDE // 2, SIDE // 2] == 220
