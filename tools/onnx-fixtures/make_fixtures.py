"""Writes the models that the tests serve, made the way their libraries' users make them, and what the libraries say they answer.

    python -m venv SOMEWHERE && SOMEWHERE/bin/pip install -r requirements.txt && SOMEWHERE/bin/python make_fixtures.py

Everything is trained on numbers made here. Each entry of fixtures.json holds a request (tensors of the Open Inference Protocol), the
answer of Python's onnxruntime to it, and the answer of the library that trained the model; or the code with which Throughline refuses it.
"""
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

HERE = Path(__file__).parent
MODELS = HERE / "models"
ROWS = 5
DATATYPES = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "int32": "INT32", "bool": "BOOL"}

fixtures = []


def datatype(array):
    return DATATYPES.get(str(array.dtype), "BYTES")


def wire(array):
    """Values as JSON has them: what is not finite as text."""
    # A float32 as the shortest decimal that is read as the same float32.
    flat = [float(str(value)) for value in array.reshape(-1)] if array.dtype == np.float32 else array.reshape(-1).tolist()
    return [value if not isinstance(value, float) or np.isfinite(value) else str(value).replace("nan", "NaN").replace("inf", "Infinity") for value in flat]


def tensor(name, array):
    return {"name": name, "datatype": datatype(array), "shape": list(array.shape), "data": wire(array)}


def write(name, serialised):
    """Without what PyTorch says of its operators: it holds paths of the machine."""
    model = onnx.load_from_string(serialised)
    for node in [*model.graph.node, *(node for function in model.functions for node in function.node)]:
        del node.metadata_props[:]
    MODELS.mkdir(exist_ok=True)
    (MODELS / f"{name}.onnx").write_bytes(model.SerializeToString())


def served(name, serialised, feeds, native, features, score=None, tolerance=1e-5):
    """A model that is served. `feeds` by input; `native` by output, for those outputs that the library gives, too."""
    write(name, serialised)
    session = onnxruntime.InferenceSession(serialised, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    answers = dict(zip(outputs, session.run(None, feeds)))
    for output, expected in native.items():
        if datatype(np.asarray(expected)) in ("FP32", "FP64"):
            np.testing.assert_allclose(answers[output].reshape(-1), np.asarray(expected).reshape(-1), atol=tolerance, rtol=tolerance)
    fixtures.append({
        "name": name,
        "features": features,
        **({} if score is None else {"score": score}),
        "inputs": [tensor(input, array) for input, array in feeds.items()],
        "outputs": [tensor(output, np.asarray(answers[output])) for output in outputs],
        "native": {output: wire(np.asarray(expected)) for output, expected in native.items()},
        "tolerance": tolerance,
    })


def refused(name, serialised, code):
    write(name, serialised)
    fixtures.append({"name": name, "refused": code})


def numeric(*names, **more):
    return [{"name": name, "kind": "numeric", **more} for name in names]


def categorical(*names):
    return [{"name": name, "kind": "categorical"} for name in names]


if __name__ == "__main__":
    import boosters
    import pytorch
    import scikit

    for module in (scikit, boosters, pytorch):
        module.make()
    lines = ",\n".join(json.dumps(fixture, ensure_ascii=False) for fixture in fixtures)
    (HERE / "fixtures.json").write_text(f"[\n{lines}\n]\n")
    sizes = {path.name: path.stat().st_size for path in MODELS.iterdir()}
    print(f"{len(fixtures)} fixtures, {sum(sizes.values())} bytes; largest {sorted(sizes.items(), key=lambda item: -item[1])[:5]}")
