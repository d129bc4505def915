"""`digitlib data`: which data is there, and is it MNIST?"""

from digitlib.cli.common import add_data, columns, dump

WHAT = "where the data is, what it is, whether it is MNIST to the byte"
EXAMPLES = ("", "--data sample", "--data mnist.npz --json")


def arguments(parser):
    add_data(parser)


def run(args):
    from digitlib import data

    digits = data.load(args.data)
    arrays = {name: getattr(digits, name) for name in data.SHAPES}
    facts = {name: [list(a.shape), str(a.dtype), data.fingerprint(a)] for name, a in arrays.items()}
    proved = data.is_mnist(digits)
    if args.json:
        keys = ("shape", "dtype", "sha256")
        arrays = {name: dict(zip(keys, fact, strict=True)) for name, fact in facts.items()}
        return dump(name=digits.name, origin=digits.origin, is_mnist=proved, arrays=arrays)
    print(f"name      {digits.name}\norigin    {digits.origin}")
    print(f"is MNIST  {'yes, to the byte' if proved else 'no'}\n")
    rows = [[name, tuple(shape), kind, sha] for name, (shape, kind, sha) in facts.items()]
    print(columns(["array", "shape", "dtype", "SHA-256"], rows))
