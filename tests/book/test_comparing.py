"""Chapter 6 states what other implementations find in the same rows."""

import json
from statistics import NormalDist

import numpy as np
import pytest
from support import ROOT

from digitlib import recipes, study

RECORD = "application/papermill.record/text/plain"


def recorded_numbers(notebook):
    """What a notebook's stored outputs record, {name: number}."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    found = {
        output["metadata"]["scrapbook"]["name"]: output["data"][RECORD]
        for output in outputs
        if RECORD in output.get("data", {})
    }
    return {name: json.loads(text) for name, text in found.items() if not text.startswith("'")}


def test_the_chapter_states_what_another_implementation_finds():
    """Comparing uses SciPy; here are statsmodels, and random halves where that has no formula."""
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.oneway import anova_oneway
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    said = recorded_numbers(ROOT / "notebooks" / "06_comparing.ipynb")
    right = {name: [] for name in recipes.DENSE}
    for row in study.recorded():
        if row["recipe"] in right:
            right[row["recipe"]].append(~study.mistakes(row))
    scores = {name: np.mean(of, axis=1) for name, of in right.items()}
    league = sorted(scores, key=lambda name: -scores[name].mean())

    for name, values in scores.items():
        key = name.replace("-", "_")
        assert said[f"{key}_mean"] == pytest.approx(values.mean())
        interval = DescrStatsW(values).tconfint_mean(0.05)
        assert (said[f"{key}_low"], said[f"{key}_high"]) == pytest.approx(interval)

    pairs = [(a, b) for i, a in enumerate(league) for b in league[i + 1 :]]
    compared = {
        (a, b): CompareMeans(DescrStatsW(scores[a]), DescrStatsW(scores[b])) for a, b in pairs
    }
    p_values = [test.ttest_ind(usevar="unequal")[1] for test in compared.values()]
    assert said["welch_p_first_two"] == pytest.approx(p_values[0])
    assert said["differences_over_seeds"] == sum(multipletests(p_values, 0.05, "bonferroni")[0])
    low, high = compared[pairs[0]].tconfint_diff(0.005, usevar="unequal")
    assert 2 * said["seeds_half_width_first_two"] == pytest.approx(100 * (high - low))

    def differ(a, b):
        table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(b & ~a), np.sum(~a & ~b)]]
        return mcnemar(table, exact=True).pvalue < 0.05

    top, second = league[:2]
    won = [np.sign(a.sum() - b.sum()) * differ(a, b) for a in right[top] for b in right[second]]
    assert said["mcnemar_top_wins"] == won.count(1)
    assert said["mcnemar_second_wins"] == won.count(-1)
    within = [sum(differ(a, b) for i, a in enumerate(of) for b in of[:i]) for of in right.values()]
    assert said["mcnemar_within_most"] == max(within)
    assert said["mcnemar_within_least"] == min(within)

    # Levene's test is an analysis of variance of the distances from the medians
    distances = [np.abs(values - np.median(values)) for values in scores.values()]
    assert said["levene_p"] == pytest.approx(anova_oneway(distances, use_var="equal").pvalue)

    # the images' own share of the variance: what two halves of the seeds have in common
    rng, shared = np.random.default_rng(1), []
    for _ in range(200):
        halves = np.array_split(rng.permutation(10), 2)
        gaps = [np.mean([right[top][seed] for seed in half], axis=0)
                - np.mean([right[second][seed] for seed in half], axis=0) for half in halves]  # fmt: skip
        shared.append(np.cov(*gaps)[0, 1])
    half_width = 100 * NormalDist().inv_cdf(0.9975) * np.sqrt(np.mean(shared) / 10_000)
    assert said["images_half_width_first_two"] == pytest.approx(half_width, rel=0.03)
