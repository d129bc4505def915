"""`digitlib predict`: which digits are in a picture?"""

import contextlib
import io
import itertools

from digitlib.cli.common import (
    READER,
    Problem,
    add_force,
    columns,
    complain,
    dump,
    network,
    output,
    write,
)

WHAT = "the digits in pictures: photos or scans, of one digit or many"
EXAMPLES = ("photo.jpg", "photo.jpg --boxes found.png", "*.png --json --model model.keras")
PAGES = 20  # of a file that are read, at most
SURE = 0.8  # the confidence below which an answer is called unsure


def arguments(parser):
    add_force(parser)
    parser.add_argument(
        "pictures",
        metavar="PICTURE",
        nargs="+",
        help="a PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM file",
    )
    parser.add_argument("--boxes", metavar="FILE", help="a copy of the picture with boxes, as PNG")
    parser.add_argument(
        "--model",
        default=READER,
        metavar="FILE",
        help="a .keras or .h5 file (default: the network of this package)",
    )


def run(args):
    from digitlib import pictures

    boxes = output(args.boxes, force=args.force) if args.boxes else None
    if boxes and (boxes.suffix.lower() != ".png" or len(args.pictures) > 1):
        raise Problem("--boxes FILE.png draws into a copy of one picture")
    known, pages = [], []
    for path in args.pictures:
        with _complaining(known):
            n = pictures.pages(path)
            if n > PAGES:
                complain(f"{path}: only the first {PAGES} of its {n} pages are read")
            pages += [(path, page, n > 1) for page in range(min(n, PAGES))]
    answer = _reader(args.model) if pages else None
    results = []
    for path, page, several in pages:
        with _complaining(known):
            pixels = pictures.load(path, page)
            which = {"page": page + 1} if several else {}
            results.append({"picture": path, **which, "digits": answer(pixels)})
            if boxes and page == 0:
                write(marked(pixels, results[0]["digits"]), boxes, force=args.force)
    if args.json and results:
        dump(model=args.model, pictures=results)
    elif results:
        for result in results:
            show(**result)
    return int(bool(known))


@contextlib.contextmanager
def _complaining(known):
    """Say in a line that a picture cannot be read, remember it, and go on with the next."""
    try:
        yield
    except ValueError as error:
        known.append(error)
        complain(f"digitlib: {error}")


def _reader(name):
    """A function from the pixels of a picture to its digits.

    The packaged reader finds them; any network can say which they are.
    """
    from digitlib import evaluation, handwriting, models

    reader = models.reader()
    model = reader if name == READER else network(name)

    def answer(pixels):
        found = handwriting.find(pixels, lambda frames: models.ratings(reader, frames))
        rows = evaluation.as_probabilities(models.answers(model, found.frames))
        return [
            {
                "digit": int(row.argmax()),
                "confidence": float(row.max()),
                "line": int(line),
                "box": box.tolist(),
            }
            for row, line, box in zip(rows, found.lines, found.boxes, strict=True)
        ]

    return answer


def marked(pixels, digits):
    """A picture with a box around each digit, as the bytes of a PNG file."""
    from PIL import Image, ImageDraw

    from digitlib import plots

    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    for one in digits:
        top, left, bottom, right = one["box"]
        color = plots.PALETTE["green"] if one["confidence"] >= SURE else plots.ORANGE
        draw.rectangle((left, top, right, bottom), outline=color, width=2)
        draw.text((left + 3, max(0, top - 11)), str(one["digit"]), fill=color)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def show(picture, digits, page=None):
    """Print the lines of digits of a picture, and a row for each digit that is not sure."""
    name = picture if page is None else f"{picture}, page {page}"
    if not digits:
        print(f"{name}: no handwritten digit found")
        return
    lines = [[*line] for _, line in itertools.groupby(digits, lambda one: one["line"])]
    texts = ["".join(_sign(one) for one in line) for line in lines]
    print("\n".join([f"{name}:", *texts]) if len(texts) > 1 else f"{name}: {texts[0]}")
    unsure = [
        [number, place, one["digit"], f"{one['confidence']:.3f}", *one["box"]]
        for number, line in enumerate(lines, 1)
        for place, one in enumerate(line, 1)
        if one["confidence"] < SURE
    ]
    if unsure:
        print("? not sure:")
        header = ["line", "place", "digit", "confidence", "top", "left", "bottom", "right"]
        print(columns(header, unsure))


def _sign(one):
    return f"{one['digit']}{'' if one['confidence'] >= SURE else '?'}"
