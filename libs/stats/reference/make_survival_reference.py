"""Writes survival.json: product-limit estimates of scipy.stats.ecdf, medians of lifelines. Needs numpy, scipy and lifelines."""
import json
import pathlib

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.utils import qth_survival_time
from scipy import stats

rng = np.random.default_rng(11)


def finite(values):
    return [float(value) if np.isfinite(value) else None for value in values]


def case(times, observed):
    times, observed = np.asarray(times, dtype=float), np.asarray(observed, dtype=bool)
    sf = stats.ecdf(stats.CensoredData(uncensored=times[observed], right=times[~observed])).sf
    # SciPy keeps the times of censorings as well; the estimate changes at events only.
    at = np.isin(sf.quantiles, times[observed])
    interval = sf.confidence_interval(confidence_level=0.95, method="log-log")
    fitted = KaplanMeierFitter().fit(times, observed).survival_function_
    unique = np.unique(times)
    return {
        "groups": [{"time": float(t), "events": int(observed[times == t].sum()), "censored": int((~observed)[times == t].sum())} for t in unique],
        "times": sf.quantiles[at].tolist(),
        "survival": sf.probabilities[at].tolist(),
        "low": finite(interval.low.probabilities[at]),
        "high": finite(interval.high.probabilities[at]),
        "quantiles": [{"share": q, "time": next(iter(finite([qth_survival_time(1 - q, fitted)])))} for q in (0.1, 0.47, 0.9)],
    }


def drawn(n, scale, horizon):
    event, censoring = rng.exponential(scale, n).round(1), rng.uniform(0, horizon, n).round(1)
    return case(np.minimum(event, censoring), event <= censoring)


reference = [
    # Freireich et al. 1963, 6-MP: the textbooks' example.
    case([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]),
    drawn(60, 5, 30),
    drawn(500, 10, 8),
    case([1, 2, 3, 4], [1, 1, 1, 1]),
]
pathlib.Path(__file__).with_name("survival.json").write_text(json.dumps(reference) + "\n", encoding="utf-8")
