"""Which classical recognizers does the book compare with, and how are they set?

All are scikit-learn's with its defaults, but for the two settings that a comment explains. Nothing
was tuned, so nothing was chosen by looking at a test score.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import SVC


@dataclass(frozen=True)
class Baseline:
    """A classifier of scikit-learn: `make(seed)` gives it untrained.

    `seeded` says that the seed makes a difference; where it makes none, one run says it all.
    `learned` names the attributes that hold the numbers it learned, where these can be counted.
    """

    name: str
    make: Callable
    seeded: bool = False
    learned: tuple = ()


BASELINES = {
    baseline.name: baseline
    for baseline in [
        Baseline("commonest", lambda _: DummyClassifier(strategy="most_frequent")),
        Baseline("nearest-mean", lambda _: NearestCentroid(), learned=("centroids_",)),
        # as many steps as it takes; the default gives up after a hundred
        Baseline(
            "logistic",
            lambda _: LogisticRegression(max_iter=5000),
            learned=("coef_", "intercept_"),
        ),
        Baseline("neighbors", lambda _: KNeighborsClassifier()),
        Baseline("forest", lambda seed: RandomForestClassifier(random_state=seed), seeded=True),
        # all hundred rounds on all images, where the default would set some aside and may stop early
        Baseline("boosting", lambda _: HistGradientBoostingClassifier(early_stopping=False)),
        Baseline("svm", lambda _: SVC()),
    ]
}
