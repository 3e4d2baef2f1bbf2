"""Writes the reference values of src/sequential, by other routes than the code takes. Needs numpy and scipy."""
import json
import pathlib

import numpy as np
from scipy import integrate, optimize, special, stats

rng = np.random.default_rng(11)
CLUSTERS = 40


def rows(n, shares, rate, spread):
    """Values of a 0/1 measure, alike within a cluster."""
    cluster = rng.choice(CLUSTERS, size=n, p=shares)
    own = np.clip(rate + spread * rng.normal(size=CLUSTERS), 0, 1)
    return cluster, (rng.random(n) < own[cluster]).astype(float)


def sums(cluster, value):
    return {
        "counts": np.bincount(cluster, minlength=CLUSTERS).tolist(),
        "sums": np.bincount(cluster, weights=value, minlength=CLUSTERS).tolist(),
    }


def kish(weights):
    return weights.sum() ** 2 / (weights**2).sum()


def jackknife(estimator, clusters):
    """Derivative of an estimator by the weight of every cluster, numerically."""
    step = 1e-6
    out = np.empty(clusters)
    for c in range(clusters):
        up, down = np.ones(clusters), np.ones(clusters)
        up[c] += step
        down[c] -= step
        out[c] = (estimator(up) - estimator(down)) / (2 * step)
    return out


def difference(strata):
    """From rows: weighted means whose derivatives by the clusters' weights are taken numerically; Satterthwaite's degrees; floors by the other arm's spread."""
    sizes = np.array([1 / (1 / len(a[0]) + 1 / len(b[0])) for a, b in strata])
    weights = sizes / sizes.sum()

    def mean(arm, w):
        return sum(weight * np.average(pair[arm][1], weights=w[pair[arm][0]]) for weight, pair in zip(weights, strata))

    ones = np.ones(CLUSTERS)
    psi = [jackknife(lambda w: mean(arm, w), CLUSTERS) for arm in (0, 1)]
    v = [float((p**2).sum()) for p in psi]
    effective = [1 / sum(weight**2 / len(pair[arm][0]) for weight, pair in zip(weights, strata)) for arm in (0, 1)]
    floored = [max(v[0], v[1] * effective[1] / effective[0]), max(v[1], v[0] * effective[0] / effective[1])]
    clusters = [
        kish(sum(weight * np.bincount(pair[arm][0], minlength=CLUSTERS) / len(pair[arm][0]) for weight, pair in zip(weights, strata))) for arm in (0, 1)
    ]
    variance = float(((psi[0] - psi[1]) ** 2).sum()) + sum(floored) - sum(v)
    degrees = sum(floored) ** 2 / sum(f**2 / (c - 1) for f, c in zip(floored, clusters))
    return {
        "strata": [{"first": sums(*a), "second": sums(*b)} for a, b in strata],
        "value": mean(0, ones) - mean(1, ones),
        "standardError": float(np.sqrt(variance * (degrees + 1) / degrees)),
        "degrees": float(degrees),
        "clusters": [float(c) for c in clusters],
    }


def sandwich(a, b):
    """One stratum, arms of equal size and spread, as a regression with a dummy for the arm: the cluster-robust covariance of its slope (CR0)."""
    y = np.concatenate([a[1], b[1]])
    x = np.column_stack([np.ones(len(y)), np.r_[np.ones(len(a[1])), np.zeros(len(b[1]))]])
    cluster = np.r_[a[0], b[0]]
    bread = np.linalg.inv(x.T @ x)
    residual = y - x @ (bread @ x.T @ y)
    scores = np.array([x[cluster == c].T @ residual[cluster == c] for c in range(CLUSTERS)])
    return {"first": sums(*a), "second": sums(*b), "standardError": float(np.sqrt((bread @ scores.T @ scores @ bread)[1, 1]))}


def one_sample(n, shares, rate, spread):
    cluster, value = rows(n, shares, rate, spread)
    psi = jackknife(lambda w: np.average(value, weights=w[cluster]), CLUSTERS)
    b = kish(np.bincount(cluster, minlength=CLUSTERS).astype(float))
    return {**sums(cluster, value), "mean": float(value.mean()), "standardError": float(np.sqrt(b / (b - 1) * (psi**2).sum())), "clusters": float(b)}


def mixture(error, tau, alpha):
    """Where the mixed likelihood ratio, integrated numerically, reaches 1/alpha."""
    information = 1 / error**2

    def martingale(score, low):
        density = lambda t: np.exp(t * score - t**2 * information / 2 - t**2 / (2 * tau**2)) / (tau * np.sqrt(2 * np.pi)) * (2 if low == 0 else 1)
        centre = score / (information + 1 / tau**2)
        width = 12 / np.sqrt(information + 1 / tau**2)
        return integrate.quad(density, max(low, centre - width), centre + width, limit=500)[0]

    solve = lambda low: optimize.brentq(lambda z: np.log(martingale(z * np.sqrt(information), low)) + np.log(alpha), 0.1, 30)
    return {"standardError": error, "tau": tau, "alpha": alpha, "twoSided": solve(-np.inf), "oneSided": solve(0)}


def share(successes, samples, alpha, guess, weight):
    a, b = guess * weight, (1 - guess) * weight
    log_ratio = lambda p: special.betaln(a + successes, b + samples - successes) - special.betaln(a, b) - special.xlogy(successes, p) - special.xlog1py(samples - successes, -p)
    level = lambda p: log_ratio(p) + np.log(alpha)
    observed = successes / samples
    low = 0.0 if successes == 0 else optimize.brentq(level, 1e-12, observed)
    high = 1.0 if successes == samples else optimize.brentq(level, observed, 1 - 1e-12)
    return {"successes": successes, "samples": samples, "alpha": alpha, "share": guess, "weight": weight, "low": low, "high": high}


def distance(n, m, shift):
    x, y = rng.normal(size=n).round(1), rng.normal(shift, 1, m).round(1)
    histogram = lambda values: {str(round(v * 10)): int(c) for v, c in zip(*np.unique(values, return_counts=True))}
    return {"a": histogram(x), "b": histogram(y), "distance": float(stats.ks_2samp(x, y).statistic), "quantile": int(round(np.quantile(y, 0.9, method="inverted_cdf") * 10))}


even = np.full(CLUSTERS, 1 / CLUSTERS)
uneven = rng.dirichlet(np.full(CLUSTERS, 0.5))
arm = lambda n, rate=0.1: rows(n, uneven, rate, 0.08)
equal = rows(500, even, 0.2, 0.1), rows(500, even, 0.2, 0.1)

reference = {
    "studentQuantile": [{"tail": p, "degrees": d, "t": float(stats.t.isf(p, d))} for p in (0.25, 0.025, 1e-3, 1e-6) for d in (1, 4.3, 30, 255)],
    "studentTail": [{"t": t, "degrees": d, "p": float(stats.t.sf(t, d))} for t in (-1.5, 0.1, 2, 7) for d in (1, 4.3, 60, 1000)],
    "normalTail": [{"z": z, "p": float(stats.norm.sf(z))} for z in (-2, 0, 0.5, 1.96, 4, 8, 20)],
    "incompleteBeta": [{"x": x, "a": a, "b": b, "p": float(special.betainc(a, b, x))} for x in (0.01, 0.4, 0.97) for a in (0.5, 3, 80) for b in (0.5, 12)],
    "mean": [one_sample(300, even, 0.1, 0.05), one_sample(2000, uneven, 0.4, 0.2)],
    "difference": [difference([(arm(200, 0.12), arm(900))]), difference([(arm(60), arm(2000)), (arm(500, 0.3), arm(900, 0.3)), (arm(700), arm(650))])],
    "sandwich": sandwich(*equal),
    "mixture": [mixture(*case) for case in ((0.01, 0.03, 0.05), (0.02, 0.02, 0.01), (0.002, 0.05, 0.008), (1.0, 0.5, 0.05))],
    "shares": [share(*case) for case in ((0, 50, 0.05, 0.01, 100), (7, 200, 0.01, 0.01, 100), (12.5, 400.25, 0.025, 0.5, 2), (30, 30, 0.05, 0.01, 100))],
    "distances": [distance(400, 300, 0.0), distance(200, 900, 0.6)],
}
pathlib.Path(__file__).with_name("sequential.json").write_text(json.dumps(reference) + "\n", encoding="utf-8")
