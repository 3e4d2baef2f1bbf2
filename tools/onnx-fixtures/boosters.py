"""LightGBM and XGBoost through onnxmltools, with values missing as these libraries take them."""
import lightgbm
import numpy as np
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from __main__ import ROWS, numeric, refused, served

INPUT = [("input", FloatTensorType([None, 4]))]


def make():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(400, 4)).astype(np.float32)
    X[rng.random(size=X.shape) < 0.15] = np.nan
    filled = np.nan_to_num(X, nan=0.7)
    value = filled[:, 0] * 2 - filled[:, 1] * filled[:, 2]
    light(X, value)
    extreme(X, value)


def light(X, value):
    rows = X[:ROWS]
    names = numeric("a", "b", "c", "d", allowNaN=True)
    shape = {"n_estimators": 8, "num_leaves": 7, "verbose": -1}
    classifier = lightgbm.LGBMClassifier(**shape).fit(X, (value > 0).astype(int))
    both = {"probabilities": classifier.predict_proba(rows)}
    served("lightgbm-binary", convert_lightgbm(classifier, initial_types=INPUT, zipmap=False).SerializeToString(), {"input": rows}, both, names, {"output": "probabilities", "index": 1})
    refused("lightgbm-zipmap", convert_lightgbm(classifier, initial_types=INPUT).SerializeToString(), "artifact_non_tensor_output")
    classes = np.digitize(value, [-1, 1])
    several = lightgbm.LGBMClassifier(**{**shape, "n_estimators": 4}).fit(X, classes)
    served("lightgbm-classes", convert_lightgbm(several, initial_types=INPUT, zipmap=False).SerializeToString(), {"input": rows}, {"label": several.predict(rows), "probabilities": several.predict_proba(rows)}, names, {"output": "probabilities", "index": 2})
    regressor = lightgbm.LGBMRegressor(**shape).fit(X, value)
    served("lightgbm-regression", convert_lightgbm(regressor, initial_types=INPUT).SerializeToString(), {"input": rows}, {"variable": regressor.predict(rows)}, names, {"output": "variable", "index": 0})


def extreme(X, value):
    rows = X[:ROWS]
    names = numeric("a", "b", "c", "d", allowNaN=True)
    shape = {"n_estimators": 8, "max_depth": 3}
    classifier = xgboost.XGBClassifier(**shape).fit(X, (value > 0).astype(int))
    both = {"label": classifier.predict(rows).astype(np.int64), "probabilities": classifier.predict_proba(rows)}
    served("xgboost-binary", convert_xgboost(classifier, initial_types=INPUT).SerializeToString(), {"input": rows}, both, names, {"output": "probabilities", "index": 1})
    regressor = xgboost.XGBRegressor(**shape).fit(X, value)
    served("xgboost-regression", convert_xgboost(regressor, initial_types=INPUT).SerializeToString(), {"input": rows}, {"variable": regressor.predict(rows)}, names, {"output": "variable", "index": 0})
    classes = np.digitize(value, [-1, 1])
    several = xgboost.XGBClassifier(**{**shape, "n_estimators": 4}).fit(X, classes)
    served("xgboost-classes", convert_xgboost(several, initial_types=INPUT).SerializeToString(), {"input": rows}, {"label": several.predict(rows).astype(np.int64), "probabilities": several.predict_proba(rows)}, names, {"output": "probabilities", "index": 2})
