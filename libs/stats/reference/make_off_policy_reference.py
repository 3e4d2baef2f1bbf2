"""Writes the off-policy estimates that the tests compare with, from weighted regressions. Needs numpy and statsmodels."""
import json
import pathlib

import numpy as np
import statsmodels.api as sm

rng = np.random.default_rng(23)
CLUSTERS = 40


def rows(n, shares, mean):
    """Rewards with an effect of their cluster, weighted by one over propensities of several steps."""
    cluster = rng.integers(0, CLUSTERS, n)
    propensity = rng.choice(shares, n)
    reward = mean + rng.normal(0, 0.3, CLUSTERS)[cluster] + rng.normal(0, 1, n)
    return cluster, 1 / propensity, reward


def sums(cluster, weight, reward):
    by = lambda values: np.bincount(cluster, weights=values, minlength=CLUSTERS).tolist()
    return {"counts": by(weight), "sums": by(weight * reward), "squaredWeights": float((weight**2).sum()), "samples": len(weight)}


def without_factor(error, cluster, n, k):
    """statsmodels multiplies the variance by G/(G-1) * (n-1)/(n-k)."""
    groups = len(np.unique(cluster))
    return float(error / np.sqrt(groups / (groups - 1) * (n - 1) / (n - k)))


def mean_case(n, shares, mean):
    cluster, weight, reward = rows(n, shares, mean)
    fit = sm.WLS(reward, np.ones(n), weights=weight).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    ess = weight.sum() ** 2 / (weight**2).sum()
    return {**sums(cluster, weight, reward), "mean": float(fit.params[0]), "rawError": without_factor(fit.bse[0], cluster, n, 1), "effectiveSamples": float(ess)}


def difference_case(n, m, shares):
    first, second = rows(n, shares, 0.5), rows(m, 1 - np.array(shares), 0.3)
    cluster, weight, reward = (np.concatenate(pair) for pair in zip(first, second))
    arm = np.r_[np.ones(n), np.zeros(m)]
    fit = sm.WLS(reward, np.column_stack([np.ones(n + m), arm]), weights=weight).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    return {"first": sums(*first), "second": sums(*second), "difference": float(fit.params[1]), "rawError": without_factor(fit.bse[1], cluster, n + m, 2)}


reference = {
    "means": [mean_case(400, [0.05, 0.25, 0.5], 1.0), mean_case(3000, [0.01, 0.1, 0.9], -2.0), mean_case(200, [1.0], 0.0)],
    "differences": [difference_case(600, 600, [0.5]), difference_case(1000, 1000, [0.4, 0.5, 0.6])],
}
pathlib.Path(__file__).with_name("off-policy.json").write_text(json.dumps(reference) + "\n", encoding="utf-8")
print([(case["mean"], case["rawError"]) for case in reference["means"]], [(case["difference"], case["rawError"]) for case in reference["differences"]])
