"""Finds a model that no MLflow client has registered, and loads it by its alias. Prints what it found."""
import json
import sys

import mlflow
import numpy as np
from mlflow import MlflowClient

name = sys.argv[1]
client = MlflowClient()
version = client.get_model_version_by_alias(name, "champion")
assert [v.version for v in client.search_model_versions(f"name = '{name}'")] == [version.version]
assert name in [m.name for m in client.search_registered_models()]
mlflow.onnx.load_model(f"models:/{name}@champion")
session = mlflow.pyfunc.load_model(f"models:/{name}/{version.version}").get_raw_model()
inputs = {one.name: np.zeros((2, one.shape[1]), dtype=np.float32) for one in session.get_inputs()}
answers = session.run(None, inputs)
print(json.dumps({"version": version.version, "description": version.description, "tags": version.tags, "rows": len(answers[0])}))
