"""`digitlib predict`: which digits are in a picture?"""

import io

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
SURE = 0.9  # the confidence below which an answer is called unsure


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
    from digitlib import handwriting, pictures

    boxes = output(args.boxes, force=args.force) if args.boxes else None
    if boxes and (boxes.suffix.lower() != ".png" or len(args.pictures) > 1):
        raise Problem("--boxes FILE.png draws into a copy of one picture")
    found = []
    for path in args.pictures:
        try:
            pixels, pages = pictures.load(path), pictures.pages(path)
            found.append((path, handwriting.find(pixels)))
        except ValueError as error:
            complain(f"digitlib: {error}")
            continue
        if pages > 1:
            complain(f"{path}: only the first of its {pages} pages is read")
    status = int(len(found) < len(args.pictures))
    if not found:
        return status

    from digitlib import evaluation, models

    model, results = network(args.model), []
    for path, (frames, places) in found:
        probabilities = evaluation.as_probabilities(models.answers(model, frames))
        digits = [
            {"digit": int(row.argmax()), "confidence": float(row.max()), "box": box.tolist()}
            for row, box in zip(probabilities, places, strict=True)
        ]
        results.append({"picture": path, "digits": digits})
    if boxes:
        write(marked(pixels, results[0]["digits"]), boxes, force=args.force)
    if args.json:
        dump(model=args.model, pictures=results)
        return status
    for result in results:
        show(**result)
    return status


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


def show(picture, digits):
    """Print what was read in a picture, and a row for each digit."""
    if not digits:
        print(f"{picture}: no digit found")
        return
    print(f"{picture}: {''.join(str(one['digit']) for one in digits)}")
    rows = [
        [one["digit"], f"{one['confidence']:.3f}", *one["box"],
         "" if one["confidence"] >= SURE else "not sure"]
        for one in digits
    ]  # fmt: skip
    print(columns(["digit", "confidence", "top", "left", "bottom", "right", ""], rows))
