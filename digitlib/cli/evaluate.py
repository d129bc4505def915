"""`digitlib evaluate`: how good is a network?"""

import math

from digitlib.cli.common import add_data, add_model, answers, columns, dump

WHAT = "accuracy with its interval, a table of the ten digits, the confusion matrix"
EXAMPLES = ("model.keras", "model.h5 --json", "reader --data mnist")


def arguments(parser):
    add_data(parser)
    add_model(parser)


def run(args):
    from sklearn.metrics import confusion_matrix

    from digitlib import evaluation

    digits, outputs = answers(args)
    y_pred = outputs.argmax(axis=1)
    score = evaluation.accuracy(digits.y_test, y_pred)
    matrix = confusion_matrix(digits.y_test, y_pred, labels=range(10))
    one = evaluation.per_class(matrix)
    if args.json:
        table = {
            name: [None if math.isnan(value) else value for value in column.tolist()]
            for name, column in one._asdict().items()
        }
        return dump(
            model=args.model, data=digits.name, **score._asdict(), confidence=0.95,
            per_class=table, confusion_matrix=matrix.tolist(),
        )  # fmt: skip
    print(
        f"{args.model} on the test set of {digits.name}: {score.correct} of {score.n} right, "
        f"{score.value:.2%} (95% interval {score.low:.2%} to {score.high:.2%})\n"
    )
    shares = zip(one.recall, one.precision, one.f1, strict=True)
    rows = [
        [digit, one.tp[digit], one.fn[digit], one.fp[digit], *(f"{share:.3f}" for share in three)]
        for digit, three in enumerate(shares)
    ]
    print(columns(["digit", "TP", "FN", "FP", "recall", "precision", "F1"], rows))
    print("\nConfusion matrix: a row for each true digit, a column for each answer")
    print(columns(["", *range(10)], [[digit, *row] for digit, row in enumerate(matrix)]))
