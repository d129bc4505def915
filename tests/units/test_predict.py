"""`digitlib predict`: pictures in, digits out; and one line for whatever is no picture."""

import functools
import io
import json
import os
import random
import re
import struct
import sys
import zlib

import numpy as np
import pytest
from papers import TEXT, network, on_white, page
from PIL import Image

from digitlib import models, recipes


@pytest.fixture
def predict(command, monkeypatch):
    monkeypatch.setattr(models, "reader", network)
    return functools.partial(command, "predict")


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(on_white(page())).save(tmp_path / "photo.jpg")
    return "photo.jpg"


def blank(path, **how):
    Image.new("L", (200, 100), 255).save(path, **how)
    return path


def test_a_photo(predict, photo):
    status, out, err = predict(photo)
    assert (status, err) == (0, "")
    first, *lines = out.splitlines()
    assert first == "photo.jpg:"
    answer = "".join(lines[: len(TEXT)])
    assert sum(a == b for a, b in zip(answer.replace("?", ""), "".join(TEXT), strict=True)) >= 14
    assert lines[len(TEXT) :][:1] == ["? not sure:"] * ("?" in answer)
    for row in lines[len(TEXT) + 2 :]:
        line, place, digit, confidence, *box = row.split()
        assert lines[int(line) - 1].replace("?", "")[int(place) - 1] == digit
        assert float(confidence) < 0.9
        assert len(box) == 4
    assert len(lines[len(TEXT) + 2 :]) == answer.count("?")


def test_as_json_with_boxes(predict, photo, tmp_path):
    status, out, _ = predict(photo, "--json", "--boxes", "found.png")
    assert status == 0
    facts = json.loads(out)
    assert facts["model"] == "reader"
    (picture,) = facts["pictures"]
    assert picture["picture"] == photo
    marked, plain = np.asarray(Image.open("found.png")), np.asarray(Image.open(photo))
    assert marked.shape == plain.shape
    for one in picture["digits"]:
        assert 0.1 <= one["confidence"] <= 1
        top, left, _, right = one["box"]
        assert np.ptp(marked[top, left:right].astype(int), axis=0).max() <= 60  # one line
        assert (marked[top, left] != plain[top, left]).any()
    status, out, err = predict(photo, "--boxes", "found.png")
    assert (status, out) == (1, "")
    assert "exists; name another file" in err


def test_another_network_can_be_named(predict, photo):
    model = recipes.get("steps").build()
    *_, last = weights = model.get_weights()
    model.set_weights([0 * one for one in weights[:-1]] + [np.eye(10)[7] * 20 + 0 * last])
    models.save(model, "sevens.keras")
    status, out, _ = predict(photo, "--model", "sevens.keras", "--json")
    facts = json.loads(out)
    assert (status, facts["model"]) == (0, "sevens.keras")
    assert {one["digit"] for one in facts["pictures"][0]["digits"]} == {7}
    status, out, err = predict(photo, "--model", "none.keras")
    assert (status, out) == (1, "")
    assert err.startswith("digitlib: none.keras: no such file")
    assert err.count("\n") == 1


def test_a_network_is_not_taken_for_a_picture(predict, photo):
    (status, out, err) = predict("model.keras", photo)
    assert status == 1
    assert out.startswith("photo.jpg:\n")
    assert err.startswith("digitlib: model.keras: ")


def test_several_pictures_and_one_that_is_none(predict, photo, tmp_path):
    blank(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("no picture")
    status, out, err = predict(photo, "text.png", "empty.png")
    assert status == 1
    assert out.startswith("photo.jpg:\n")
    assert "\nempty.png: no handwritten digit found\n" in out
    assert err.startswith("digitlib: text.png: not a picture that can be read; expected PNG, JPEG")
    assert err.count("\n") == 1


def test_a_picture_named_twice_is_answered_twice(predict, photo, tmp_path):
    status, out, err = predict(photo, photo, "--json")
    assert (status, err) == (0, "")
    one, two = json.loads(out)["pictures"]
    assert one == two
    assert one["digits"]
    blank(tmp_path / "a.png")
    assert predict("a.png", "a.png") == (0, 2 * "a.png: no handwritten digit found\n", "")
    assert predict("none.jpg", "a.png", "none.jpg")[0] == 1


def test_boxes_are_drawn_into_one_png(predict, tmp_path):
    blank(tmp_path / "a.png")
    for args in (["a.png", "--boxes", "b.jpg"], ["a.png", "a.png", "--boxes", "b.png"]):
        status, out, err = predict(*args)
        assert (status, out) == (1, "")
        assert err == "digitlib: --boxes FILE.png draws into a copy of one picture\n"
    assert predict("a.png", "--boxes", "B.PNG")[0] == 0
    assert (tmp_path / "B.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["gif", "png", "tiff", "webp"])
def test_every_page_is_read(predict, tmp_path, kind):
    more = [Image.new("L", (200, 100), 0), Image.new("L", (200, 100), 90)]
    blank(tmp_path / f"many.{kind}", save_all=True, append_images=more)
    blank(tmp_path / f"one.{kind}")
    status, out, err = predict(f"one.{kind}", f"many.{kind}")
    assert status == 0
    names = [f"one.{kind}", *(f"many.{kind}, page {number}" for number in (1, 2, 3))]
    assert out == "".join(f"{name}: no handwritten digit found\n" for name in names)
    assert err == ""
    blank(tmp_path / f"long.{kind}", save_all=True, append_images=12 * more)
    status, out, err = predict(f"long.{kind}", "--json")
    assert [one["page"] for one in json.loads(out)["pictures"]] == [*range(1, 21)]
    assert err == f"long.{kind}: only the first 20 of its 25 pages are read\n"


def test_a_page_that_holds_digits_is_told_from_one_that_does_not(predict, photo, tmp_path):
    pages = [Image.open(photo), Image.new("L", (200, 100), 255)]
    pages[1].save(tmp_path / "two.tiff", save_all=True, append_images=pages[:1])
    lines = predict("two.tiff")[1].splitlines()
    assert lines[:2] == ["two.tiff, page 1: no handwritten digit found", "two.tiff, page 2:"]
    assert len(lines[2].replace("?", "")) == len(TEXT[0])


def test_a_phones_jpeg_that_holds_a_second_picture_is_one_photo(predict, tmp_path):
    """Phones add the same picture again, for bright screens or for the depth."""
    more = [Image.new("L", (100, 50), 0)]
    blank(tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=more)
    assert predict("phone.jpg") == (0, "phone.jpg: no handwritten digit found\n", "")


def test_a_name_that_is_no_text(predict, tmp_path):
    name = os.fsdecode(b"\xff.png")
    try:
        blank(tmp_path / name)
    except OSError:
        pytest.skip("the file system takes no such name")
    status, out, err = predict(name)
    assert (status, out, err) == (0, "\\udcff.png: no handwritten digit found\n", "")
    assert json.loads(predict(name, "--json")[1])["pictures"][0]["picture"] == name
    status, out, err = predict(os.fsdecode(b"\xfe.png"))
    assert (status, out) == (1, "")
    assert err.startswith("digitlib: \\udcfe.png: no such file")


def test_a_name_that_the_terminal_cannot_show(predict, tmp_path, monkeypatch):
    blank(tmp_path / "zwölf.png")
    with io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert predict("zwölf.png")[0] == 0
        assert stdout.buffer.getvalue().splitlines() == [
            b"zw\\xf6lf.png: no handwritten digit found"
        ]


def claiming(path, width, height):
    """Write a small PNG file whose header claims another size."""
    blank(path)
    raw = bytearray(path.read_bytes())
    raw[16:24] = struct.pack(">II", width, height)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    path.write_bytes(raw)


def test_what_is_no_picture(predict, tmp_path):
    claiming(tmp_path / "bomb.png", 20_000, 20_000)
    claiming(tmp_path / "wide.png", 9_000, 8_000)
    (tmp_path / "pages.pdf").write_bytes(b"%PDF-1.7 and more")
    for path, what in [
        ("bomb.png", "too large; make it smaller"),
        ("wide.png", "too large; make it smaller"),
        ("pages.pdf", "a PDF; make pictures of its pages, as with `pdftoppm"),
        (tmp_path, "is no ordinary file"),
        (os.devnull, "is no ordinary file"),
        ("none.jpg", "no such file"),
    ]:
        status, out, err = predict(path)
        assert (status, out) == (1, "")
        assert err.startswith(f"digitlib: {path}: {what}")
        assert err.count("\n") == 1


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


MANY = int(os.environ.get("DIGITS_FUZZ", "400"))


@pytest.mark.parametrize(
    "seeds", [range(24), pytest.param(range(24, MANY), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_broken_files(predict, tmp_path, seeds):
    """As many as DIGITS_FUZZ says; some can still be read, and hold no digit or nonsense."""
    for seed in seeds:
        path = broken(tmp_path / "fuzz", seed)
        status, out, err = predict(path)
        path.unlink()
        if status:
            assert (status, out, err.count("\n")) == (1, "", 1), seed
            assert err.startswith(f"digitlib: {path}: "), seed
        else:
            assert out.startswith(f"{path}"), seed
            assert err == "" or re.fullmatch(
                r".*: only the first 20 of its \d+ pages are read\n", err
            )
