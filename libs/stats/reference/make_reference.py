"""Writes the reference values that the tests compare with. Needs numpy, scipy and scikit-learn."""
import json
import pathlib

import numpy as np
from scipy import special, stats
from scipy.spatial import distance
from sklearn import metrics

rng = np.random.default_rng(7)


def counts_pair(bins, n, m, tilt):
    p = rng.dirichlet(np.full(bins, 20.0))
    q = p * np.exp(tilt * np.linspace(-1, 1, bins))
    return rng.multinomial(n, p).tolist(), rng.multinomial(m, q / q.sum()).tolist()


def homogeneity(a, b):
    result = stats.chi2_contingency(np.array([a, b]), correction=False)
    return {"a": a, "b": b, "statistic": result.statistic, "degrees": int(result.dof), "pValue": result.pvalue}


def shannon(a, b):
    return {"a": a, "b": b, "distance": float(distance.jensenshannon(a, b, base=2))}


def smirnov(a, b):
    x, y = np.repeat(np.arange(len(a)), a), np.repeat(np.arange(len(b)), b)
    d = stats.ks_2samp(x, y, method="asymp").statistic
    en = len(x) * len(y) / (len(x) + len(y))
    return {"a": a, "b": b, "distance": float(d), "pValue": float(special.kolmogorov(d * np.sqrt(en)))}


def earth_mover(n, m, shift):
    x, y = rng.normal(0, 2, n).round(1), rng.normal(shift, 2, m).round(1)
    return {"x": x.tolist(), "y": y.tolist(), "normalised": float(stats.wasserstein_distance(x, y) / x.std())}


def classifier(n, signal):
    labels = rng.random(n) < 0.3
    scores = np.clip((1 / (1 + np.exp(-(signal * labels + rng.normal(size=n) - 1)))).round(2), 0.01, 0.99)
    return {
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "auc": float(metrics.roc_auc_score(labels, scores)),
        "brier": float(metrics.brier_score_loss(labels, scores)),
        "logLoss": float(metrics.log_loss(labels, scores)),
    }


def adjusted(n, signals):
    p = np.concatenate([rng.random(n - signals), rng.random(signals) * 0.005])
    return {"pValues": p.tolist(), "rejected": (stats.false_discovery_control(p) <= 0.05).tolist()}


def wilson(k, n):
    interval = stats.binomtest(k, n).proportion_ci(method="wilson")
    return {"successes": k, "trials": n, "low": float(interval.low), "high": float(interval.high)}


reference = {
    "kolmogorovTail": [{"x": x, "p": float(special.kolmogorov(x))} for x in (0.2, 0.5, 0.9, 1.17, 1.19, 1.358, 1.628, 2.5, 4)],
    "chiSquaredTail": [{"x": x, "degrees": k, "p": float(stats.chi2.sf(x, k))} for x in (0.1, 1, 3.84, 20, 90, 200) for k in (1, 4, 9, 59)],
    "kolmogorovSmirnov": [smirnov(*counts_pair(*case)) for case in ((60, 3000, 2000, 0.0), (60, 500, 900, 0.3), (12, 4000, 4000, 1.0))],
    "jensenShannon": [shannon(*counts_pair(*case)) for case in ((10, 3000, 2000, 0.0), (10, 500, 900, 0.5), (4, 100, 100, 2.0))],
    "chiSquared": [homogeneity(*counts_pair(*case)) for case in ((6, 3000, 2000, 0.0), (6, 600, 900, 0.3), (12, 4000, 4000, 0.2))],
    "wasserstein": [earth_mover(*case) for case in ((400, 300, 0.0), (300, 500, 0.7))],
    "classifier": [classifier(*case) for case in ((300, 0.0), (400, 1.0), (200, 4.0))],
    "benjaminiHochberg": [adjusted(*case) for case in ((30, 0), (30, 5), (8, 8))],
    "wilson": [wilson(*case) for case in ((0, 10), (3, 10), (10, 10), (440, 1000))],
}
pathlib.Path(__file__).with_name("reference.json").write_text(json.dumps(reference) + "\n", encoding="utf-8")
