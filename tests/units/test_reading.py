"""`digitlib.ink`, `digitlib.pieces`, `digitlib.reading`: from a picture to digits, step by step."""

import numpy as np
import pytest
from papers import on_white, page
from PIL import Image, ImageDraw

from digitlib import ink, pieces, reading
from digitlib.pieces import Pieces


def rating(digit=10, p=1.0):
    """So sure that it is that digit, or none; the rest is shared out."""
    shares = np.full(11, (1 - p) / 10)
    shares[digit] = p
    return shares


def row_of_pieces(*boxes, size=20):
    """Pieces in one line; only their boxes matter to the path."""
    boxes = np.array(boxes)
    return Pieces(np.zeros((30, 200), int), boxes, size, [[*range(len(boxes))]])


def candidate(start, stop, digit, p):
    return reading.Candidate(0, start, stop, (0, 0, 20, 10), None, rating(digit, p))


def digits(found, *candidates):
    path, cost = reading._path(found, found.lines[0], candidates)
    return [(one.start, one.stop, one.rating[:10].argmax()) for one in path], cost


THREE = row_of_pieces((0, 0, 20, 12), (0, 14, 20, 24), (0, 26, 20, 38))


def test_the_path_takes_what_is_most_probable():
    alone = [candidate(0, 1, 3, 0.9), candidate(1, 2, 1, 0.9), candidate(2, 3, 5, 0.8)]
    path, cost = digits(THREE, *alone)
    assert path == [(0, 1, 3), (1, 2, 1), (2, 3, 5)]
    assert cost == pytest.approx(-np.log(0.9 * 0.9 * 0.8), abs=0.001)
    # two of the pieces are a better digit together than each for itself
    path, cost = digits(THREE, *alone, candidate(1, 3, 4, 0.95))
    assert path == [(0, 1, 3), (1, 3, 4)]
    assert cost == pytest.approx(-np.log(0.9 * 0.95), abs=0.001)
    # and if together they are less, they stay apart
    path, _ = digits(THREE, *alone, candidate(1, 3, 4, 0.5))
    assert path == [(0, 1, 3), (1, 2, 1), (2, 3, 5)]


def test_what_the_reader_takes_for_nothing_is_left_out():
    path, cost = digits(
        THREE, candidate(0, 1, 3, 0.9), candidate(1, 2, 10, 0.98), candidate(2, 3, 5, 0.9)
    )
    assert path == [(0, 1, 3), (2, 3, 5)]
    assert cost == pytest.approx(-np.log(0.9 * 0.49 * 0.9), abs=0.001)


def test_a_speck_costs_little_and_belongs_to_a_digit_that_is_better_with_it():
    found = row_of_pieces((0, 0, 20, 12), (16, 13, 19, 16))
    path, cost = digits(found, candidate(0, 1, 3, 0.9))
    assert path == [(0, 1, 3)]
    assert cost == pytest.approx(-np.log(0.9) + 0.15**2, abs=0.001)
    assert digits(found, candidate(0, 1, 3, 0.6), candidate(0, 2, 2, 0.9))[0] == [(0, 2, 2)]


def test_a_line_that_is_mostly_no_digits_is_none():
    found = row_of_pieces(*((0, 14 * i, 20, 14 * i + 12) for i in range(7)))
    words = [candidate(i, i + 1, 10, 0.9) for i in range(6)] + [candidate(6, 7, 1, 0.99)]
    assert digits(found, *words)[0] == []


def drawn(*lines, size=(200, 120), width=8):
    image = Image.new("L", size)
    for line in lines:
        ImageDraw.Draw(image).line(line, fill=255, width=width)
    return np.asarray(image) / 255


def test_a_wide_piece_is_cut_where_it_is_thin():
    amount = drawn([(20, 20), (20, 100)], [(20, 60), (90, 60)], [(90, 20), (90, 100)])
    found = pieces.pieces(amount)
    assert len(found.boxes) > 1, "an H, or two ones that are joined"
    (line,) = found.lines
    left = found.boxes[line, 1]
    assert (np.diff(left) > 0).all()
    assert found.boxes[:, 1].min() == pytest.approx(16, abs=1)
    whole = pieces.pieces(drawn([(20, 20), (20, 100)], [(60, 20), (60, 100)]))
    assert len(whole.boxes) == 2


def test_lines_may_rise_and_fall():
    rows = [[(x, 20 + 30 * row + x / 4), (x, 35 + 30 * row + x / 4)] for row in range(3)
            for x in range(20, 180, 30)]  # fmt: skip
    found = pieces.pieces(drawn(*rows, size=(200, 200), width=4))
    assert [len(line) for line in found.lines] == [6, 6, 6]


def test_print_is_left_out():
    amount = drawn([(20, 20), (20, 100)], [(60, 20), (60, 100)], size=(300, 120))
    letters = np.zeros_like(amount)
    letters[30:60:16, 110:190:12] = 1
    letters = ink.ndimage.maximum_filter(letters, (11, 7))
    assert len(pieces.pieces(np.maximum(amount, letters)).boxes) == 2


@pytest.mark.parametrize("degrees", [0, 3, -7, 21, -40])
def test_the_sheet_on_a_desk(degrees):
    paper = Image.fromarray(on_white(page())).convert("L")
    turned = paper.rotate(-degrees, Image.Resampling.BILINEAR, expand=True, fillcolor=40)
    desk = Image.new("L", (1000, 1000), 40)
    desk.paste(turned, (150, 150))
    found = ink.sheet(np.asarray(desk) / 255)
    assert found.degrees == pytest.approx(degrees, abs=1)
    inside = np.asarray(desk)[found.mask]
    assert (inside > 200).mean() > 0.7
    assert found.mask.sum() > 0.8 * paper.width * paper.height


def test_a_page_without_a_desk_is_no_sheet():
    assert ink.sheet(on_white(page()).mean(axis=2) / 255) is None


def test_ruled_lines_go_and_the_digits_stay():
    amount = drawn([(40, 60), (40, 120)], [(90, 70), (140, 120)], size=(400, 300))
    assert ink.without_lines(amount) is None
    ruled = amount.copy()
    for row in range(25, 280, 40):
        for x in range(400):
            ruled[row + x // 50, x] = 1
    rest = ink.without_lines(ruled)
    assert (rest > 0.5).sum() == pytest.approx((amount > 0.5).sum(), rel=0.12)
    assert not rest[:, 160:].any()


def test_ink_does_not_depend_on_the_light():
    strokes = drawn([(20, 20), (20, 100)], [(60, 20), (110, 100)])
    light = np.linspace(0.3, 1, 200)
    even, uneven = (ink.ink((1 - 0.7 * strokes) * one) > 0.5 for one in (0.9, light))
    assert (even == uneven).mean() > 0.995
    weak = ink.ink(1 - 0.15 * strokes) > 0.5
    assert (weak == even).mean() > 0.995


def test_a_long_stroke_between_two_digits_is_cut_once():
    # along a level stroke every column has as little ink as the next
    ink = drawn([(30, 20), (30, 100)], [(30, 60), (130, 60)], [(130, 20), (130, 100)])
    found = pieces.pieces(ink)
    assert len(found.boxes) == 2


def test_printed_words_are_no_digits_and_ones_among_digits_stay():
    ones = [[(x, 80), (x, 130)] for x in range(30, 210, 20)]
    words = [[(x, y), (x + 40, y)] for y in (10, 20, 30, 40) for x in (20, 80, 140)]
    ink = np.maximum(drawn(*ones, size=(240, 140)), drawn(*words, size=(240, 140), width=5))
    boxes = pieces.pieces(ink).boxes
    assert len(boxes) == len(ones)
    assert boxes[:, 0].min() > 60


def test_a_few_digits_close_together_are_no_single_digit():
    blocks = [[(x, y), (x, y + 30)] for x in (30, 60) for y in (20, 62)]
    ink = drawn(*blocks, size=(90, 120))

    def rate(frames):
        narrow = [np.ptp(np.flatnonzero(frame.any(axis=0))) < 8 for frame in frames]
        return np.stack([rating(1 if one else 10, 0.9) for one in narrow])

    found = reading.read(ink, rate)
    assert len(found.digits) == 4
    assert not found.single
