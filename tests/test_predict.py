"""`digitlib predict`: pictures in, digits out; and one line for whatever is no picture."""

import json
import os
import random
import time

import numpy as np
import pytest
from PIL import Image
from test_handwriting import TEXT, on_white, page

from digitlib import cli, data

READER = str(data.recorded("reader.keras"))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(on_white(page())).save(path)
    return path


def test_a_photo(photo, capsys):
    assert cli.main(["predict", READER, str(photo)]) == 0
    first, header, *rows = capsys.readouterr().out.splitlines()
    answer = first.removeprefix(f"{photo}: ")
    assert sum(a == b for a, b in zip(answer, "".join(TEXT), strict=True)) >= 14
    assert header.split() == ["digit", "confidence", "top", "left", "bottom", "right"]
    assert [row.split()[0] for row in rows] == list(answer)


def test_as_json_with_boxes(photo, tmp_path, capsys):
    out = tmp_path / "found.png"
    assert cli.main(["predict", READER, str(photo), "--json", "--boxes", str(out)]) == 0
    (picture,) = json.loads(capsys.readouterr().out)["pictures"]
    assert picture["picture"] == str(photo)
    marked, plain = np.asarray(Image.open(out)), np.asarray(Image.open(photo))
    assert marked.shape == plain.shape
    for one in picture["digits"]:
        assert 0.1 <= one["confidence"] <= 1
        top, left, _, right = one["box"]
        assert np.ptp(marked[top, left:right].astype(int), axis=0).max() <= 60  # one line
        assert (marked[top, left] != plain[top, left]).any()
    assert cli.main(["predict", READER, str(photo), "--boxes", str(out)]) == 1
    assert "exists; name another file" in capsys.readouterr().err


def test_several_pictures_and_one_that_is_none(photo, tmp_path, capsys):
    empty = tmp_path / "empty.png"
    Image.new("L", (200, 100), 255).save(empty)
    text = tmp_path / "text.png"
    text.write_text("no picture")
    assert cli.main(["predict", READER, str(photo), str(text), str(empty)]) == 1
    shown = capsys.readouterr()
    assert f"{photo}: " in shown.out
    assert f"{empty}: no digit found" in shown.out
    assert shown.err.count("\n") == 1
    assert "text.png: not a picture that can be read; expected PNG, JPEG" in shown.err


def test_what_is_no_picture(tmp_path, capsys):
    bomb = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(bomb)
    wide = tmp_path / "wide.png"
    Image.new("1", (8_000, 6_000)).save(wide)
    for path, what in [
        (bomb, "too large; make it smaller"),
        (wide, "too large; make it smaller"),
        (tmp_path, "is no ordinary file"),
        (os.devnull, "is no ordinary file"),
        (tmp_path / "none.jpg", "no such file"),
    ]:
        assert cli.main(["predict", READER, str(path)]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"digitlib: {path}: {what}")
        assert error.count("\n") == 1


def broken(path, seed, kinds=("png", "jpg", "gif", "bmp", "tiff", "webp", "ppm")):
    """Write a picture with bytes changed, cut off, put in, or nothing but random bytes."""
    rng = random.Random(seed)
    kind = rng.choice(kinds)
    image = Image.effect_noise((rng.randint(1, 90), rng.randint(1, 90)), 90)
    image.convert(rng.choice(["L", "RGB", "1"])).save(path := path.with_suffix(f".{kind}"))
    raw = bytearray(path.read_bytes())
    how = seed % 4
    if how == 0:
        raw = raw[: rng.randrange(len(raw))]
    elif how == 1:
        for _ in range(rng.randint(1, 30)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
    elif how == 2:
        start = rng.randrange(min(60, len(raw)))
        raw[start : start + 8] = rng.randbytes(rng.randint(0, 16))
    else:
        raw = rng.randbytes(rng.randint(0, 3000))
    path.write_bytes(raw)
    return path


def test_broken_files(tmp_path, capsys):
    """As many as DIGITS_FUZZ says; some can still be read, and hold no digit or nonsense."""
    for seed in range(int(os.environ.get("DIGITS_FUZZ", "100"))):
        path = broken(tmp_path / "fuzz", seed)
        start = time.perf_counter()
        status = cli.main(["predict", READER, str(path)])
        assert time.perf_counter() - start < 5
        shown = capsys.readouterr()
        assert status == (1 if shown.err else 0)
        assert shown.err.count("\n") == status
        assert "Traceback" not in shown.err
        path.unlink()
