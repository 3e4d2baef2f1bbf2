"""scikit-learn through skl2onnx."""
import numpy as np
import pandas as pd
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from __main__ import ROWS, categorical, numeric, refused, served

NO_ZIPMAP = {"zipmap": False}


def convert(model, *inputs, **options):
    chosen = {id(model): options} if options else None
    return convert_sklearn(model, initial_types=list(inputs), options=chosen).SerializeToString()


def make():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    y = (X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=300) > 0).astype(int)
    matrices(X, y)
    frames(rng)
    text()


def matrices(X, y):
    names = numeric("a", "b", "c", "d")
    rows = X[:ROWS]
    score = {"output": "probabilities", "index": 1}
    logistic = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    both = {"label": logistic.predict(rows), "probabilities": logistic.predict_proba(rows)}
    served("sklearn-matrix", convert(logistic, ("X", FloatTensorType([None, 4])), zipmap=False), {"X": rows}, both, names, score)
    served("sklearn-free-width", convert(logistic, ("X", FloatTensorType([None, None])), zipmap=False), {"X": rows}, both, names, score)
    served("sklearn-double", convert(logistic, ("X", DoubleTensorType([None, 4])), zipmap=False), {"X": rows.astype(np.float64)}, both, names, score)
    refused("sklearn-zipmap", convert(logistic, ("X", FloatTensorType([None, 4]))), "artifact_non_tensor_output")
    a_column_a_class = {"output_label": both["label"], "i0": both["probabilities"][:, 0], "i1": both["probabilities"][:, 1]}
    served("sklearn-zipmap-columns", convert(logistic, ("X", FloatTensorType([None, 4])), zipmap="columns"), {"X": rows}, a_column_a_class, names, {"output": "i1", "index": 0})
    refused("sklearn-fixed-batch", convert(logistic, ("X", FloatTensorType([1, 4])), zipmap=False), "artifact_load_failed")

    classes = np.array(["on time", "late", "cancelled"])[np.digitize(X[:, 0], [-0.4, 0.6])]
    forest = RandomForestClassifier(n_estimators=5, max_depth=3, random_state=1).fit(X, classes)
    served("sklearn-text-labels", to_onnx(forest, X[:1], options=NO_ZIPMAP).SerializeToString(), {"X": rows}, {"label": forest.predict(rows), "probabilities": forest.predict_proba(rows)}, names, {"output": "probabilities", "index": 2})

    regression = LinearRegression().fit(X.astype(np.float64), np.column_stack([X[:, 0] * 3, X[:, 1] - 1]))
    served("sklearn-two-targets", to_onnx(regression, X[:1].astype(np.float64)).SerializeToString(), {"X": rows.astype(np.float64)}, {"variable": regression.predict(rows)}, names, {"output": "variable", "index": 0})

    counts = (X * 10).astype(np.int64)
    tree = DecisionTreeClassifier(max_depth=3, random_state=1).fit(counts, y)
    served("sklearn-integers", convert(tree, ("X", Int64TensorType([None, 4])), zipmap=False), {"X": counts[:ROWS]}, {"label": tree.predict(counts[:ROWS]), "probabilities": tree.predict_proba(counts[:ROWS])}, names, score)

    isolation = IsolationForest(n_estimators=5, max_samples=32, random_state=1).fit(X)
    served("sklearn-isolation-forest", to_onnx(isolation, X[:1], target_opset={"": 17, "ai.onnx.ml": 3}).SerializeToString(), {"X": rows}, {"label": isolation.predict(rows), "scores": isolation.decision_function(rows)}, names, {"output": "scores", "index": 0})


def frames(rng):
    size = 300
    frame = pd.DataFrame({
        "carrier": rng.choice(["AA", "DL", "UA"], size=size),
        "miles": rng.uniform(50, 3000, size=size).astype(np.float32),
        "stops": rng.integers(0, 4, size=size),
        "is_holiday": rng.random(size=size) < 0.2,
    })
    label = ((frame.carrier == "DL") ^ (frame.miles > 1200) ^ frame.is_holiday).astype(int)
    columns = ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore"), ["carrier"]), ("number", StandardScaler(), ["miles", "stops"])])
    model = make_pipeline(columns, LogisticRegression()).fit(frame[["carrier", "miles", "stops"]], label)
    types = [("carrier", StringTensorType([None, 1])), ("miles", FloatTensorType([None, 1])), ("stops", Int64TensorType([None, 1]))]
    feeds = {name: frame[[name]][:ROWS].to_numpy(dtype=object if name == "carrier" else None) for name, _ in types}
    both = {"label": model.predict(frame[:ROWS]), "probabilities": model.predict_proba(frame[:ROWS])}
    features = categorical("carrier") + numeric("miles", "stops")
    served("sklearn-columns", convert(model, *types, zipmap=False), feeds, both, features, {"output": "probabilities", "index": 1})
    refused("sklearn-columns-zipmap", convert(model, *types), "artifact_non_tensor_output")

    strict = ColumnTransformer([("both", OneHotEncoder(), ["carrier", "stops"])], remainder="passthrough")
    model = make_pipeline(strict, LogisticRegression()).fit(frame[["carrier", "miles", "stops"]].assign(stops=frame.stops + 1), label)
    known = {**feeds, "stops": feeds["stops"] + 1}
    rows = frame[:ROWS].assign(stops=frame.stops + 1)
    both = {"label": model.predict(rows), "probabilities": model.predict_proba(rows)}
    served("sklearn-strict-categories", convert(model, *types, zipmap=False), known, both, features, {"output": "probabilities", "index": 1})

    blocks = np.column_stack([frame.miles, frame.stops, frame.is_holiday]).astype(np.float32)
    texts = np.column_stack([frame.carrier, np.where(frame.is_holiday, "yes", "no")]).astype(object)
    transform = ColumnTransformer([("numbers", StandardScaler(), [0, 1, 2]), ("texts", OneHotEncoder(handle_unknown="ignore"), [3, 4])])
    together = np.column_stack([blocks.astype(object), texts])
    model = make_pipeline(transform, LogisticRegression()).fit(together, label)
    converted = convert(model, ("numbers", FloatTensorType([None, 3])), ("texts", StringTensorType([None, 2])), zipmap=False)
    both = {"label": model.predict(together[:ROWS]), "probabilities": model.predict_proba(together[:ROWS])}
    features = numeric("miles", "stops", "is_holiday") + categorical("carrier", "holiday")
    served("sklearn-blocks", converted, {"numbers": blocks[:ROWS], "texts": texts[:ROWS]}, both, features, {"output": "probabilities", "index": 1})


def text():
    documents = np.array([f"{subject} is {state}" for subject in ("flight", "gate", "crew") for state in ("late", "ready", "early", "delayed")] * 5, dtype=object)
    label = np.array([int("late" in document or "delayed" in document) for document in documents])
    model = make_pipeline(CountVectorizer(lowercase=False), LogisticRegression()).fit(documents, label)
    rows = documents[:ROWS].reshape(-1, 1)
    both = {"label": model.predict(documents[:ROWS]), "probabilities": model.predict_proba(documents[:ROWS])}
    served("sklearn-text", convert(model, ("document", StringTensorType([None, 1])), zipmap=False), {"document": rows}, both, categorical("document"), {"output": "probabilities", "index": 1})
