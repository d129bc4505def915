"""`digitlib.pictures`: whatever a picture file holds, its pixels come out, or one line says why."""

import os
import sys
import tracemalloc
import types

import numpy as np
import pytest
from PIL import Image, ImageDraw, features

from digitlib import pictures

RING = Image.new("L", (540, 1100), 250)  # larger than what transparency is judged by
ImageDraw.Draw(RING).ellipse([60, 80, 440, 700], fill=None, outline=20, width=60)


def variants():
    """Names, pictures, and the gray values that they show."""
    gray = np.asarray(RING)
    clear = np.zeros((*gray.shape, 4), np.uint8)
    clear[..., 3] = 255 - gray
    chalk = clear.copy()
    chalk[..., :3] = 255
    span = (gray - 20.0) * 255 / 230
    yield "gray.png", RING, gray
    yield "bilevel.png", RING.point(lambda value: 255 * (value > 127), "1"), 255 * (gray > 127)
    yield "palette.gif", RING.convert("P"), gray
    yield "cmyk.jpg", RING.convert("CMYK"), gray
    yield "sixteen.png", Image.fromarray(gray.astype(np.uint16) * 40), span
    yield "whole.tiff", Image.fromarray(gray.astype(np.int32) * 1000 - 9), span
    yield "float.tiff", Image.fromarray(gray.astype(np.float32) / 7), span
    yield "alpha.png", RING.convert("LA"), gray
    yield "clear.png", Image.fromarray(clear), gray
    yield "chalk.webp", Image.fromarray(chalk), 255 - gray
    yield "plain.ppm", RING.convert("RGB"), gray
    yield "plain.bmp", RING.convert("RGB"), gray
    if features.check("avif"):
        yield "phone.avif", RING.convert("RGB"), gray


@pytest.mark.parametrize("strip", [pictures.STRIP, 9_000])
@pytest.mark.parametrize(
    ("name", "image", "shown"), list(variants()), ids=[name for name, *_ in variants()]
)
def test_modes_and_formats(name, image, shown, strip, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "STRIP", strip)
    lossless = {"lossless": True} if name.endswith("webp") else {}
    image.save(tmp_path / name, **lossless)
    pixels = pictures.load(tmp_path / name)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (*image.size[::-1], 3)
    off = abs(pixels - np.asarray(shown, float)[..., None])
    assert off.max() <= (60 if name.endswith(("jpg", "avif")) else 1)
    assert off.mean() <= 2
    assert pictures.pages(tmp_path / name) == 1


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "scan.tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_upright(orientation, name, tmp_path):
    upright = RING.resize((54, 110)).convert("L")
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how Pillow turns it to get there
    turned = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned.save(tmp_path / name, exif=exif)
    pixels = pictures.load(tmp_path / name)
    assert pixels.shape == (110, 54, 3)
    assert abs(pixels[..., 0] - np.asarray(upright, float)).mean() < 4


def test_the_content_decides_and_not_the_name(tmp_path):
    for name in ("B.PNG", "photo", "b.txt"):
        RING.save(tmp_path / name, "JPEG")
        assert pictures.load(tmp_path / name).shape == (1100, 540, 3)


def test_a_large_picture_is_held_but_once(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "STRIP", 10_000)
    Image.new("RGBA", (700, 900), (0, 0, 0, 0)).save(tmp_path / "empty.png")
    Image.new("I;16", (700, 900), 9).save(tmp_path / "deep.png")
    pictures.load(tmp_path / "empty.png")  # Pillow's modules are imported
    for name in ("empty.png", "deep.png"):
        tracemalloc.start()
        pixels = pictures.load(tmp_path / name)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 1.7 * pixels.nbytes


def test_arrays_of_any_kind_are_one_picture():
    mask = np.asarray(RING) > 127
    expected = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    for same in (mask, mask * 1.0, mask.astype("float32"), mask * 255, expected, expected / 255):
        pixels = pictures.checked(same)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, expected)


def test_resized_to_where_we_work():
    for shape in [(2400, 1800, 3), (100, 80, 3), (600, 900, 3), (9000, 2, 3)]:
        scale = pictures.working_scale(shape)
        small = pictures.resized(np.full(shape, 51, np.uint8), scale)
        assert 300 <= max(small.shape) <= 1000
        assert small.dtype == np.float32
        np.testing.assert_allclose(small, 0.2)


# Pages


def test_pages(tmp_path):
    others = [Image.new("L", RING.size, value) for value in (50, 100, 150)]
    for name, kind, expected in [
        ("scan.tiff", "TIFF", 4),
        ("dance.gif", "GIF", 4),
        ("dance.png", "PNG", 4),
        ("dance.webp", "WEBP", 4),
        ("phone.jpg", "MPO", 1),  # a preview or a depth map is no page
    ]:
        RING.save(tmp_path / name, kind, save_all=True, append_images=others)
        assert pictures.pages(tmp_path / name) == expected
        first = pictures.load(tmp_path / name)[..., 0]
        assert abs(first - np.asarray(RING, float)).mean() < 4


def test_broken_after_the_first_page(tmp_path, monkeypatch):
    RING.save(tmp_path / "dance.gif", save_all=True, append_images=[RING.convert("1")])

    def broken(self):
        raise SyntaxError("broken")

    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile.n_frames", property(broken))
    assert pictures.pages(tmp_path / "dance.gif") == 1


# What cannot be read


def refused(path):
    """The message, which is one line that any terminal shows; pages are refused alike."""
    messages = []
    for read in (pictures.load, pictures.pages):
        with pytest.raises(ValueError, match=".") as caught:
            read(path)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert messages[0].encode().decode().isprintable()
    return messages[0]


def container(brand):
    """How HEIC and AVIF begin."""
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + b"mif1" + bytes(100)


def test_heic_without_its_plugin(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(Image, "OPEN", {k: v for k, v in Image.OPEN.items() if k != "HEIF"})
    path = tmp_path / "photo.HEIC"
    for brand in (b"heic", b"mif1", b"heix"):
        path.write_bytes(container(brand))
        assert refused(path) == (
            f"{path}: a HEIC picture; pip install pillow-heif, or save it as JPEG"
        )


def test_heic_with_its_plugin(tmp_path, monkeypatch):
    Image.init()
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    plugin = types.ModuleType("pillow_heif")
    plugin.register_heif_opener = lambda: Image.OPEN.update(
        HEIF=(lambda file, name: RING.copy(), lambda start: start[8:12] == b"heic")
    )
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    path = tmp_path / "photo.heic"
    path.write_bytes(container(b"heic"))
    np.testing.assert_array_equal(pictures.load(path)[..., 0], np.asarray(RING))
    assert pictures.pages(path) == 1
    path.write_bytes(container(b"mif1"))  # and broken
    assert "not a picture that can be read; expected PNG, JPEG" in refused(path)


def test_avif_with_an_old_pillow(tmp_path, monkeypatch):
    Image.init()
    monkeypatch.setattr(Image, "OPEN", {k: v for k, v in Image.OPEN.items() if k != "AVIF"})
    monkeypatch.setattr(features, "check", lambda name: False)
    path = tmp_path / "photo.avif"
    path.write_bytes(container(b"avif"))
    advice = "an AVIF picture; pip install --upgrade pillow, or save it as JPEG"
    assert refused(path) == f"{path}: {advice}"
    path.write_text("no picture")
    assert "AVIF" not in refused(path).removeprefix(str(path))


def test_what_is_no_file(tmp_path):
    for path, what in [
        (tmp_path, "is no ordinary file"),
        (os.devnull, "is no ordinary file"),
        (tmp_path / "none.jpg", "no such file"),
        (f"{tmp_path}/{'long' * 100}.png", ""),
        ("a\0.png", "no name"),
    ]:
        message = refused(path)
        assert what in message
        assert message.endswith("expected a picture, such as photo.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "is no ordinary file" in refused(tmp_path / "pipe.png")


def test_names_that_are_no_text(tmp_path):
    for name in (b"\xff\xfe.png", b"two\nlines.png"):
        path = os.path.join(os.fsencode(tmp_path), name)
        try:
            with open(path, "wb") as file:
                file.write(b"no picture")
        except OSError:
            pytest.skip("names are text here")
        assert "not a picture that can be read" in refused(os.fsdecode(path))
        RING.save(os.fsdecode(path), "PNG")
        assert pictures.load(os.fsdecode(path)).shape == (1100, 540, 3)


def test_too_large(tmp_path, monkeypatch):
    RING.save(tmp_path / "ring.png")
    monkeypatch.setattr(pictures, "MOST", 540 * 1100 - 1)
    assert "too large; make it smaller" in refused(tmp_path / "ring.png")
    small = Image.new("L", (10, 10))
    small.save(tmp_path / "two.tif", save_all=True, append_images=[RING.convert("L")])
    assert pictures.load(tmp_path / "two.tif").shape == (10, 10, 3)
    with pytest.raises(ValueError, match="two.tif: too large; make it smaller"):
        pictures.load(tmp_path / "two.tif", 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "too large; make it smaller" in refused(tmp_path / "ring.png")


def test_cut_off(tmp_path):
    for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP"):
        path = tmp_path / f"cut.{kind}"
        RING.save(path, kind)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ValueError, match="not a picture that can be read; expected PNG"):
            pictures.load(path)
