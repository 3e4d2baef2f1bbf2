"""Writes the test vectors of the split between champion and challengers, independently of the worker's code."""
import hashlib
import json
import pathlib

CASES = [
    ("flights/7", "N123"),
    ("flights/7", "N124"),
    ("flights/8", "N123"),
    ("", ""),
    ("rollout-größe", "日本-🚀"),
    ("a\nb", "c"),
    ("flight-delay", "prediction.requested.v1 3/10071"),
]


def split_point(salt: str, key: str) -> float:
    digest = hashlib.sha256(f"{salt}\n{key}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


vectors = [{"salt": salt, "key": key, "point": split_point(salt, key)} for salt, key in CASES]
path = pathlib.Path(__file__).with_name("split-vectors.json")
path.write_text(json.dumps(vectors, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
