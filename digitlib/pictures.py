"""What pixels does a picture hold, and how are they brought to the size that we work at?"""

import contextlib
import math
import os
import stat
import warnings

import numpy as np
from PIL import Image, ImageOps, features
from scipy import ndimage

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "HEIF")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # its brands
AVIF = (b"avif", b"avis")
PDF = b"%PDF"
MOST = 64_000_000  # pixels that a picture may have
STRIP = 1_000_000  # pixels worked on at a time, so that a large picture is held but once
LARGE, SMALL = 1000, 300  # pixels of the longer side, between which the work is done


def load(path, page=0):
    """The pixels of a picture file, turned upright as its EXIF data say.

    Of several pages, or of an animation, the one named is taken, from 0; `pages` tells how many
    there are. The content decides what format it is, not the name.

    Returns
    -------
    array of shape (height, width, 3), uint8
        What is transparent is filled with black or white, whichever the ink is not.

    Raises
    ------
    ValueError
        If it is no picture of a known format, too large, broken, or cut off.
    """

    def take(image):
        if page:
            image.seek(page)
            if math.prod(image.size) > MOST:  # a page has a size of its own
                raise Image.DecompressionBombError
        return _rgb(image)

    return _read(path, take)


def pages(path):
    """How many pages a picture file has, or pictures an animation: an int, 1 for a photo.

    Raises
    ------
    ValueError
        As `load` does.
    """
    return _read(path, _pages)


def checked(picture):
    """A picture as `handwriting.find` takes it, as an array of shape (height, width, 3), uint8.

    Raises a ValueError if it is none.
    """
    pixels = np.asarray(picture)
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or 0 in pixels.shape:
        raise ValueError(
            "expected one picture of shape (height, width) or (height, width, 3); "
            f"got shape {np.shape(picture)}"
        )
    top = {"u": 255, "i": 255, "f": 1, "b": 1}.get(pixels.dtype.kind)
    if top is None or not (pixels.min() >= 0 and pixels.max() <= top):  # NaN fails as well
        raise ValueError("expected integers from 0 to 255, or floats from 0 to 1")
    pixels = (pixels * (255 / top) if top != 255 else pixels).astype("uint8", copy=False)
    return pixels if pixels.ndim == 3 else np.broadcast_to(pixels[..., None], (*pixels.shape, 3))


def working_scale(shape):
    """The factor that brings the longer side of a picture between SMALL and LARGE."""
    longer = max(shape[:2])
    return min(LARGE / longer, max(1, round(SMALL / longer)))


def resized(pixels, scale):
    """Colors 0–1, float32; a large picture averaged, a small one interpolated."""
    if scale < 1:
        size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    pixels = pixels.astype("float32") / 255
    if scale > 1:
        pixels = ndimage.zoom(pixels, (scale, scale, 1), order=1, mode="nearest", grid_mode=True)
    return pixels


# Files


def _read(path, take):
    """What `take` makes of a picture file, as Pillow opens it; or a ValueError.

    We open the file ourselves: given a path, Pillow maps some TIFF files into memory, and then does
    not turn them upright.
    """
    name = _printable(path)
    try:
        what = "" if stat.S_ISREG(os.stat(path).st_mode) else "is no ordinary file"
        file = None if what else open(path, "rb")  # noqa: SIM115
    except FileNotFoundError:
        what = "no such file"
    except OSError as error:
        what = error.strerror
    except ValueError:  # a null character in the name
        what = "no name that a file could have"
    if what:
        raise ValueError(f"{name}: {what}; expected a picture, such as photo.jpg")
    with file, warnings.catch_warnings(action="ignore"):
        brand = _brand(file)
        formats = _formats(brand)
        try:
            with Image.open(file, formats=formats) as image:
                if math.prod(image.size) <= MOST:
                    return take(image)
        except Image.DecompressionBombError:
            pass
        except Exception as error:  # a hostile file can make Pillow raise almost anything
            raise ValueError(f"{name}: {_advice(brand, formats)}") from error
    raise ValueError(f"{name}: too large; make it smaller than {MOST // 1_000_000} megapixels")


def _printable(path):
    """A name in one line, even if it holds a line break or bytes that are not UTF-8."""
    signs = os.fsdecode(path)
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in signs)


def _brand(file):
    """The four bytes that tell HEIC from AVIF, or a PDF; none for other formats."""
    start = file.read(12)
    file.seek(0)
    return PDF if start[:4] == PDF else start[8:] if start[4:8] == b"ftyp" else b""


def _formats(brand):
    """Those of FORMATS that can be read here; HEIC with a plugin, which must be made known."""
    Image.init()
    if brand in HEIC:
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            pass
        else:
            register_heif_opener()
    return [name for name in FORMATS if name in Image.OPEN]


def _advice(brand, formats):
    """What to do about a file that cannot be read."""
    if brand in HEIC and "HEIF" not in formats:
        return "a HEIC picture; pip install pillow-heif, or save it as JPEG"
    if brand == PDF:
        return "a PDF; make pictures of its pages, as with `pdftoppm -r 200 -png FILE page`"
    if brand in AVIF and not features.check("avif"):
        return "an AVIF picture; pip install --upgrade pillow, or save it as JPEG"
    return f"not a picture that can be read; expected {', '.join(formats)}, whole"


def _pages(image):
    if image.format == "MPO":  # a phone's JPEG: the others are the same photo once more
        return 1
    with contextlib.suppress(Exception):  # after the first page, the file may be broken
        return getattr(image, "n_frames", 1)
    return 1


# Pixels


def _rgb(image):
    """Three bytes a pixel, whatever the mode; what is transparent is paper."""
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        plain = _stretched(image)
    elif "transparency" in image.info or "A" in image.getbands():
        plain = _on_ground(image)
    else:
        plain = _strips(image)
    pixels, top = np.empty((image.height, image.width, 3), np.uint8), 0
    for strip in plain:
        pixels[top : top + strip.height] = strip if strip.mode == "RGB" else strip.convert("RGB")
        top += strip.height
    return pixels


def _strips(image, step=1):
    """The picture from top to bottom, in parts whose height is a multiple of `step`."""
    rows = step * max(1, STRIP // (step * image.width))
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _stretched(image):
    """Strips of a picture of more than eight bits, its darkest value 0 and its brightest 255."""

    def values(strip):
        return np.nan_to_num(np.asarray(strip, "float32"), posinf=0, neginf=0)

    lows, highs = zip(*((part.min(), part.max()) for part in map(values, _strips(image))))
    low = min(lows)
    factor = 255 / max(max(highs) - low, 1e-6)
    for strip in _strips(image):
        yield Image.fromarray(((values(strip) - low) * factor).astype("uint8"))


def _on_ground(image):
    """Strips of a picture with transparency, on black if what is opaque is bright, else white."""
    step = max(1, max(image.size) // 500)
    color, ink = 0, 0
    for strip in _strips(image, step):
        small = np.asarray(strip.convert("RGBA").reduce(step), float)
        color += (small[..., :3].mean(axis=2) * small[..., 3]).sum()
        ink += small[..., 3].sum()
    for strip in _strips(image):
        ground = Image.new("RGBA", strip.size, "black" if color > 127 * ink else "white")
        yield Image.alpha_composite(ground, strip.convert("RGBA"))
