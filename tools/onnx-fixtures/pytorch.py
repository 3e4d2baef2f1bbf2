"""PyTorch by both of its exporters."""
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from __main__ import ROWS, categorical, numeric, refused, served


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())

    def forward(self, x):
        return self.layers(x)


class Mixed(nn.Module):
    """Inputs of three datatypes, outputs of three datatypes and shapes."""

    def __init__(self):
        super().__init__()
        self.carrier = nn.Embedding(5, 3)
        self.layer = nn.Linear(4 + 2 * 3 + 2, 3)

    def forward(self, numbers, codes, flags):
        embedded = self.carrier(codes).flatten(1)
        logits = self.layer(torch.cat([numbers, embedded, flags.float()], 1))
        return logits, logits.argmax(1), logits[:, 0] > 0


class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 2), nn.Softmax(1))

    def forward(self, image):
        return self.layers(image)


class Sequence(nn.Module):
    """One answer a step: an output of three dimensions."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, steps):
        return self.layer(steps).cumsum(1)


def export(model, arguments, names, outputs, **more):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(model, arguments, str(path), input_names=names, output_names=outputs, verbose=False, **more)
        return path.read_bytes()


def by_script(model, arguments, names, outputs):
    return export(model, arguments, names, outputs, dynamo=False, dynamic_axes={name: {0: "batch"} for name in [*names, *outputs]})


def by_dynamo(model, arguments, names, outputs, **more):
    batch = torch.export.Dim("batch", min=1)
    return export(model, arguments, names, outputs, dynamo=True, dynamic_shapes=tuple({0: batch} for _ in names), **{"external_data": False, **more})


def both_ways(name, model, arguments, outputs, features, score):
    model.eval()
    names = list(arguments)
    values = tuple(arguments.values())
    with torch.no_grad():
        answers = model(*values)
    answers = answers if isinstance(answers, tuple) else (answers,)
    feeds = {key: value.numpy() for key, value in arguments.items()}
    native = dict(zip(outputs, (answer.numpy() for answer in answers)))
    for way, exporter in (("script", by_script), ("dynamo", by_dynamo)):
        served(f"torch-{name}-{way}", exporter(model, values, names, outputs), feeds, native, features, score)


def make():
    torch.manual_seed(3)
    x = torch.randn(ROWS, 4)
    perceptron = Perceptron()
    both_ways("matrix", perceptron, {"x": x}, ["probability"], numeric("a", "b", "c", "d"), {"output": "probability", "index": 0})
    refused("torch-fixed-batch-script", export(perceptron, (x,), ["x"], ["probability"], dynamo=False), "artifact_load_failed")
    refused("torch-fixed-batch-dynamo", export(perceptron, (x,), ["x"], ["probability"], dynamo=True, external_data=False), "artifact_load_failed")
    wide = nn.Sequential(nn.Linear(4, 300), nn.Linear(300, 1))
    refused("torch-external-data", by_dynamo(wide, (x,), ["x"], ["y"], external_data=True), "artifact_external_data")
    mixed = {"numbers": x, "codes": torch.tensor([[0, 1], [2, 3], [4, 0], [1, 1], [3, 2]]), "flags": torch.tensor([[True, False], [False, False], [True, True], [False, True], [True, False]])}
    both_ways("mixed", Mixed(), mixed, ["logits", "class", "is_first"], numeric("a", "b", "c", "d", "origin", "destination", "holiday", "night"), {"output": "logits", "index": 0})
    pixels = [f"{colour}_{row}_{column}" for colour in ("red", "green", "blue") for row in range(8) for column in range(8)]
    both_ways("image", Pixels(), {"image": torch.rand(ROWS, 3, 8, 8)}, ["probabilities"], numeric(*pixels), {"output": "probabilities", "index": 1})
    steps = [f"{name}_{step}" for step in range(5) for name in ("speed", "height", "heading")]
    both_ways("sequence", Sequence(), {"steps": torch.randn(ROWS, 5, 3)}, ["drift"], numeric(*steps), {"output": "drift", "index": 9})
