"""Writes the indices at which River's detectors fire on fixed streams. Needs numpy, river and scikit-learn."""
import json
import pathlib

import numpy as np
from river import drift
from sklearn import metrics

rng = np.random.default_rng(11)


def fired(detector, stream):
    indices = []
    for index, value in enumerate(stream):
        detector.update(value)
        if detector.drift_detected:
            indices.append(index)
    return indices


def warning_count(detector, stream):
    count = 0
    for value in stream:
        detector.update(value)
        count += int(detector.warning_detected)
    return count


def steps(levels, length, deviation):
    return np.concatenate([rng.normal(level, deviation, length) for level in levels]).round(2).tolist()


def errors(rates, length):
    return np.concatenate([rng.random(length) < rate for rate in rates]).astype(int).tolist()


def confusion(n, accuracy):
    labels = rng.random(n) < 0.2
    scores = np.where(rng.random(n) < accuracy, labels, ~labels)
    tn, fp, fn, tp = metrics.confusion_matrix(labels, scores).ravel().tolist()
    counts = {"truePositives": tp, "falsePositives": fp, "trueNegatives": tn, "falseNegatives": fn}
    return {"counts": counts, "accuracy": float(metrics.accuracy_score(labels, scores)), "mcc": float(metrics.matthews_corrcoef(labels, scores))}


means = {"still": steps([0.5], 3000, 0.15), "jumps": steps([0.4, 0.6, 0.3], 1000, 0.1), "creeps": steps(np.linspace(0.3, 0.6, 30), 100, 0.1)}
standard = {"still": steps([0], 2000, 1), "jumps": steps([0, 1, -1], 700, 1)}
mistakes = {"still": errors([0.2], 3000), "jumps": errors([0.15, 0.4, 0.1, 0.3], 1000), "perfect": errors([0.0, 0.3], 200)}

reference = {
    "adwin": [{"name": name, "stream": stream, "changes": fired(drift.ADWIN(), stream)} for name, stream in means.items()],
    "pageHinkley": [{"name": name, "stream": stream, "changes": fired(drift.PageHinkley(), stream)} for name, stream in standard.items()],
    "ddm": [
        {"name": name, "stream": stream, "changes": fired(drift.binary.DDM(), stream), "warnings": warning_count(drift.binary.DDM(), stream)}
        for name, stream in mistakes.items()
    ],
    "confusion": [confusion(*case) for case in ((500, 0.9), (300, 0.5))],
}
pathlib.Path(__file__).with_name("detectors.json").write_text(json.dumps(reference) + "\n", encoding="utf-8")
for kind in ("adwin", "pageHinkley", "ddm"):
    print(kind, [(case["name"], case["changes"], case.get("warnings")) for case in reference[kind]])
