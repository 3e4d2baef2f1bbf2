"""What a data scientist does with MLflow's own client, unchanged, against the tracking server at MLFLOW_TRACKING_URI.

Logs a scikit-learn model as ONNX with parameters and metrics, registers, tags, aliases and finds it, loads it back and scores, copies it, and
meets MLflow's error codes. Ends with exit code 1 at the first thing that is otherwise. `python flow.py PREFIX`: PREFIX begins every name.
"""
import json
import os
import sys
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import onnx
import onnxruntime
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression

PREFIX = sys.argv[1]
# MLflow's own server has no champion that serves and does not look into models: what only Throughline does is left out there.
IS_THROUGHLINE = os.environ.get("MLFLOW_IS_REFERENCE") is None
COLUMNS = ["distance", "hour", "delay"]
passed = 0


def check(what, holds, got=None):
    global passed
    if not holds:
        sys.exit(f"FAILED: {what}: {got!r}")
    passed += 1


def refused(what, code, call, cure=None):
    try:
        got = call()
    except MlflowException as error:
        check(f"{what}: {error.error_code}, {error.message}", error.error_code == code)
        if cure is not None:
            check(f"{what} says the cure", cure in error.message, error.message)
        return
    sys.exit(f"FAILED: {what}: not refused: {got!r}")


def scores(model_proto, rows):
    session = onnxruntime.InferenceSession(model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {session.get_inputs()[0].name: rows})[0]


client = MlflowClient()
rng = np.random.default_rng(7)
frame = pd.DataFrame(rng.normal(size=(300, 3)).astype(np.float32), columns=COLUMNS)
label = (frame["distance"] - 2 * frame["hour"] + rng.normal(size=300) > 0).astype(int)
trained = LogisticRegression(C=0.5).fit(frame.to_numpy(), label)
converted = convert_sklearn(trained, initial_types=[("X", FloatTensorType([None, 3]))], options={id(trained): {"zipmap": False}}, target_opset=17)
name = f"{PREFIX}-flights"

# Experiments.
experiment_id = client.create_experiment(f"{PREFIX}-experiment", tags={"team": "ops"})
refused("a second experiment of the name", "RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment(f"{PREFIX}-experiment"))
refused("an experiment that does not exist", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("999999999"))
check("an experiment by name", client.get_experiment_by_name(f"{PREFIX}-experiment").experiment_id == experiment_id)
check("no experiment by name is None", client.get_experiment_by_name(f"{PREFIX}-nobody") is None)
client.set_experiment_tag(experiment_id, "stage", "trial")
check("experiment tags", client.get_experiment(experiment_id).tags == {"team": "ops", "stage": "trial"}, client.get_experiment(experiment_id).tags)
check("experiments are found by name and tag", [e.experiment_id for e in client.search_experiments(filter_string=f"name LIKE '{PREFIX}%' AND tags.team = 'ops'")] == [experiment_id])

# A run with an ONNX model.
mlflow.set_experiment(experiment_id=experiment_id)
with mlflow.start_run(run_name="first", tags={"mlflow.source.git.commit": "0123456789abcdef"}) as run:
    mlflow.log_input(mlflow.data.from_pandas(frame, name="flights-2001"), context="training")
    mlflow.log_params({"C": 0.5, "solver": "lbfgs"})
    for step, loss in enumerate([0.9, 0.5, 0.4]):
        mlflow.log_metric("loss", loss, step=step)
    mlflow.log_metric("auc", 0.83)
    mlflow.log_metric("odd", float("nan"))
    mlflow.log_text("hello", "notes/readme.txt")
    mlflow.log_dict({"a": 1}, "notes/a.json")
    logged = mlflow.onnx.log_model(converted, name="model", signature=infer_signature(frame, trained.predict_proba(frame.to_numpy())), registered_model_name=name)
run_id = run.info.run_id
finished = client.get_run(run_id)
check("the run is finished", finished.info.status == "FINISHED", finished.info.status)
check("its parameters", finished.data.params == {"C": "0.5", "solver": "lbfgs"}, finished.data.params)
check("its latest metrics", finished.data.metrics["loss"] == 0.4 and finished.data.metrics["auc"] == 0.83 and np.isnan(finished.data.metrics["odd"]), finished.data.metrics)
check("the history of a metric", [(m.step, m.value) for m in client.get_metric_history(run_id, "loss")] == [(0, 0.9), (1, 0.5), (2, 0.4)])
check("its data set", finished.inputs.dataset_inputs[0].dataset.name == "flights-2001")
check("its artifacts", sorted(f.path for f in client.list_artifacts(run_id, "notes")) == ["notes/a.json", "notes/readme.txt"])
check("an artifact comes back", mlflow.artifacts.load_text(f"runs:/{run_id}/notes/readme.txt") == "hello")
check("a JSON artifact comes back", mlflow.artifacts.load_dict(f"runs:/{run_id}/notes/a.json") == {"a": 1})
refused("another value of a parameter", "INVALID_PARAMETER_VALUE", lambda: client.log_param(run_id, "C", 2))
refused("a run that does not exist", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32))
client.set_tag(run_id, "my key", "x y")
check("a run is found by metric, parameter, tag and name", [r.info.run_id for r in client.search_runs([experiment_id], "metrics.auc > 0.8 and params.C = '0.5' and tags.`my key` LIKE '%y' and attributes.run_name = 'first'")] == [run_id])
check("and not by what does not hold", client.search_runs([experiment_id], "metrics.auc > 0.9") == [])
refused("a filter that is none", "INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment_id], "metrics.auc >> 0.9"))
client.delete_tag(run_id, "my key")
check("the tag is gone", "my key" not in client.get_run(run_id).data.tags)
for number in range(5):
    extra = client.create_run(experiment_id, run_name=f"extra-{number}")
    client.log_metric(extra.info.run_id, "auc", 0.5 + number / 100)
    client.set_terminated(extra.info.run_id)
page = client.search_runs([experiment_id], order_by=["metrics.auc DESC"], max_results=2)
second = client.search_runs([experiment_id], order_by=["metrics.auc DESC"], max_results=2, page_token=page.token)
check("runs come ordered, in pages", [r.info.run_name for r in [*page, *second]] == ["first", "extra-4", "extra-3", "extra-2"], [r.info.run_name for r in [*page, *second]])
client.delete_run(extra.info.run_id)
check("a deleted run is not found", len(client.search_runs([experiment_id])) == 5)
client.restore_run(extra.info.run_id)
check("a restored run is", len(client.search_runs([experiment_id])) == 6)

# The logged model.
model = client.get_logged_model(logged.model_id)
check("the logged model is ready", str(model.status) in ("READY", "LoggedModelStatus.READY"), model.status)
check("and found", [m.model_id for m in client.search_logged_models([experiment_id], filter_string="name = 'model'")] == [logged.model_id])

# The registry.
first = client.get_model_version(name, "1")
check("log_model registered version 1", first.run_id == run_id and first.source == f"models:/{logged.model_id}", first)
check("it is ready", first.status == "READY")
registered = client.get_registered_model(name)
check("the registered model", registered.name == name and [v.version for v in registered.latest_versions] == ["1"], registered)
refused("a second model of the name", "RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model(name))
refused("a model that does not exist", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(f"{PREFIX}-nobody"))
refused("a version that does not exist", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version(name, "77"))
refused("a version that is no number", "INVALID_PARAMETER_VALUE", lambda: client.get_model_version(name, "x"))
refused("an alias that does not exist", "INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias(name, "nobody"))
refused("an alias of nothing", "RESOURCE_DOES_NOT_EXIST", lambda: client.set_registered_model_alias(name, "staging", "77"))
refused("a reserved alias", "INVALID_PARAMETER_VALUE", lambda: client.set_registered_model_alias(name, "v1", "1"))
refused("a model without a name", "INVALID_PARAMETER_VALUE", lambda: client.create_registered_model(""))
second_version = mlflow.register_model(f"runs:/{run_id}/model", name, tags={"origin": "run"})
check("the same model again is the next version", second_version.version in ("2", 2), second_version)
refused("a source that does not exist", "RESOURCE_DOES_NOT_EXIST", lambda: client.create_model_version(name, f"models:/{PREFIX}-nobody/1"))
client.update_registered_model(name, description="Delays of flights")
client.update_model_version(name, "2", description="From a run")
client.set_registered_model_tag(name, "task", "classification")
client.set_model_version_tag(name, "2", "validated", "yes")
check("descriptions", client.get_registered_model(name).description == "Delays of flights" and client.get_model_version(name, "2").description == "From a run")
check("tags of the model", client.get_registered_model(name).tags["task"] == "classification")
check("tags of the version", client.get_model_version(name, "2").tags.items() >= {"origin": "run", "validated": "yes"}.items(), client.get_model_version(name, "2").tags)
client.delete_model_version_tag(name, "2", "origin")
client.delete_registered_model_tag(name, "task")
check("tags go", "origin" not in client.get_model_version(name, "2").tags and "task" not in client.get_registered_model(name).tags)
client.set_registered_model_alias(name, "staging", "2")
client.set_registered_model_alias(name, "champion", "1")
check("a version by alias", client.get_model_version_by_alias(name, "staging").version == "2")
check("aliases of the model", client.get_registered_model(name).aliases == {"staging": "2", "champion": "1"}, client.get_registered_model(name).aliases)
check("aliases of the version", client.get_model_version(name, "1").aliases == ["champion"])
check("versions are found by name", sorted(v.version for v in client.search_model_versions(f"name='{name}'")) == ["1", "2"])
check("by run and tag", [v.version for v in client.search_model_versions(f"run_id = '{run_id}' and tags.validated = 'yes'")] == ["2"])
check("ordered, in pages", [v.version for v in client.search_model_versions(f"name='{name}'", order_by=["version_number ASC"], max_results=1)] == ["1"])
check("models are found by name", [m.name for m in client.search_registered_models(f"name ILIKE '{PREFIX.upper()}-FL%'")] == [name])
refused("a search of models that is none", "INVALID_PARAMETER_VALUE", lambda: client.search_registered_models("nonsense = 'x'"))
check("the latest versions", [v.version for v in client.get_latest_versions(name)] == ["2"])
staged = client.transition_model_version_stage(name, "2", "Staging")
check("a stage", staged.current_stage == "Staging" and [v.version for v in client.get_latest_versions(name, ["Staging"])] == ["2"])
refused("a stage that is none", "INVALID_PARAMETER_VALUE", lambda: client.transition_model_version_stage(name, "2", "Nowhere"))

# Back again, and the same scores.
rows = frame.to_numpy()[:20]
expected = scores(converted, rows)
for uri in (f"models:/{name}/1", f"models:/{name}@champion", f"models:/{name}@staging", f"models:/{logged.model_id}", f"runs:/{run_id}/model"):
    check(f"{uri} scores alike", np.array_equal(scores(mlflow.onnx.load_model(uri), rows), expected))
generic = mlflow.pyfunc.load_model(f"models:/{name}@champion").get_raw_model()
check("as pyfunc too", np.array_equal(generic.run(["probabilities"], {generic.get_inputs()[0].name: rows})[0], expected))
with tempfile.TemporaryDirectory() as folder:
    path = mlflow.artifacts.download_artifacts(f"models:/{name}/1", dst_path=folder)
    check("the files of a version", {"MLmodel", "model.onnx"} <= {p.name for p in Path(path).iterdir()}, list(Path(path).iterdir()))

# A net, whose weights the client writes into a file beside the graph unless it is told not to.
weights = {"w1": rng.normal(size=(3, 400)).astype(np.float32), "w2": rng.normal(size=(400, 2)).astype(np.float32)}
layers = [("MatMul", ["X", "w1"], "h"), ("Tanh", ["h"], "a"), ("MatMul", ["a", "w2"], "z"), ("Softmax", ["z"], "probabilities")]
net = onnx.helper.make_model(onnx.helper.make_graph(
    [onnx.helper.make_node(operator, inputs, [output]) for operator, inputs, output in layers], "net",
    [onnx.helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, [None, 3])], [onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, [None, 2])],
    initializer=[onnx.numpy_helper.from_array(values, key) for key, values in weights.items()]), opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
expected_of_net = scores(net, rows)
net_name = f"{PREFIX}-net"
with mlflow.start_run():
    logged_net = mlflow.onnx.log_model(net, name="model", signature=infer_signature(frame, expected_of_net), registered_model_name=net_name)
with tempfile.TemporaryDirectory() as folder:
    graph_file = Path(mlflow.artifacts.download_artifacts(f"models:/{logged_net.model_id}", dst_path=folder)) / "model.onnx"
    outside = [tensor.name for tensor in onnx.load(graph_file, load_external_data=False).graph.initializer if onnx.external_data_helper.uses_external_data(tensor)]
    check("the client logged its weights beside it", sorted(outside) == ["w1", "w2"], outside)
client.set_registered_model_alias(net_name, "best", "1")
for uri in (f"models:/{net_name}@best", f"models:/{net_name}/1", f"models:/{logged_net.model_id}"):
    check(f"{uri} scores alike", np.array_equal(scores(mlflow.onnx.load_model(uri), rows), expected_of_net))
check("a copy of it", str(client.copy_model_version(f"models:/{net_name}@best", f"{PREFIX}-net-copy").version) == "1")
check("it scores alike too", np.array_equal(scores(mlflow.onnx.load_model(f"models:/{PREFIX}-net-copy/1"), rows), expected_of_net))
if IS_THROUGHLINE:
    with tempfile.TemporaryDirectory() as folder:
        graph_file = Path(mlflow.artifacts.download_artifacts(f"models:/{net_name}/1", dst_path=folder)) / "model.onnx"
        check("the version is one file", np.array_equal(scores(onnx.load(graph_file, load_external_data=False), rows), expected_of_net))

# To another name, and away.
copied = client.copy_model_version(f"models:/{name}@staging", f"{PREFIX}-copy")
check("a copy", copied.name == f"{PREFIX}-copy" and str(copied.version) == "1", copied)
check("it scores alike", np.array_equal(scores(mlflow.onnx.load_model(f"models:/{PREFIX}-copy/1"), rows), expected))
client.delete_model_version(f"{PREFIX}-copy", "1")
refused("a deleted version", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version(f"{PREFIX}-copy", "1"))
client.delete_registered_model(f"{PREFIX}-copy")
refused("a deleted model", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(f"{PREFIX}-copy"))
check("it is not found", client.search_registered_models(f"name = '{PREFIX}-copy'") == [])
client.create_registered_model(f"{PREFIX}-copy", description="again")
check("the name may be used again", client.get_registered_model(f"{PREFIX}-copy").description == "again")
client.delete_registered_model_alias(name, "staging")
check("an alias goes", "staging" not in client.get_registered_model(name).aliases)

if IS_THROUGHLINE:
    refused("deleting what serves", "RESOURCE_CONFLICT", lambda: client.delete_model_version(name, "1"))
    refused("deleting a model that serves", "RESOURCE_CONFLICT", lambda: client.delete_registered_model(name))
    refused("renaming", "INVALID_PARAMETER_VALUE", lambda: client.rename_registered_model(name, f"{PREFIX}-new"), cure="copy_model_version")
    zipmap = convert_sklearn(trained, initial_types=[("X", FloatTensorType([None, 3]))], target_opset=17)
    with mlflow.start_run():
        bad = mlflow.onnx.log_model(zipmap, name="zipmap")
        refused("a ZipMap", "INVALID_PARAMETER_VALUE", lambda: mlflow.register_model(bad.model_uri, name), cure="zipmap")
        Path("other").mkdir(exist_ok=True)
        mlflow.log_text("flavors:\n  sklearn:\n    pickled_model: model.pkl\n", "other/MLmodel")
        refused("a model that is no ONNX", "INVALID_PARAMETER_VALUE", lambda: client.create_model_version(name, f"runs:/{mlflow.active_run().info.run_id}/other"), cure="mlflow.onnx.log_model")
        refused("no model at all", "INVALID_PARAMETER_VALUE", lambda: client.create_model_version(name, f"runs:/{mlflow.active_run().info.run_id}/nothing"), cure="log_model")
    refused("a path out of the artifacts", "INVALID_PARAMETER_VALUE", lambda: client.create_model_version(name, "mlflow-artifacts:/../../etc"))
    check("nothing came of it", sorted(v.version for v in client.search_model_versions(f"name='{name}'")) == ["1", "2"])

print(json.dumps({"mlflow": mlflow.__version__, "passed": passed, "model": name, "run": run_id, "logged": logged.model_id}))
