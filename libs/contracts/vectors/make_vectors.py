"""Writes the test vectors of predictionId. Any language with UUIDv5 can check itself against the file."""
import json
import pathlib
import uuid

NAMESPACE = uuid.UUID("6f1d5f3e-2c55-5c0a-9b1e-7d1f3a0c5b42")
CASES = [
    ("/shop/checkout", "42", 0),
    ("/shop/checkout", "42", 1),
    ("/shop/checkout", "42", 17),
    ("/other/system", "42", 0),
    ("prediction.requested.v1", "3/10071", 0),
    ("urn:example:größe", "naïve-日本-🚀", 0),
    ("a", "b\nc", 0),
    ("a\nb", "c", 0),
    ("", "", 0),
]


def prediction_id(source: str, identifier: str, row: int) -> str:
    name = f"{source}\n{identifier}" if row == 0 else f"{source}\n{identifier}\n{row}"
    return str(uuid.uuid5(NAMESPACE, name))


vectors = [{"source": s, "id": i, "row": r, "predictionId": prediction_id(s, i, r)} for s, i, r in CASES]
path = pathlib.Path(__file__).with_name("prediction-id.json")
path.write_text(json.dumps(vectors, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
