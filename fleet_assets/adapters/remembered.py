"""Answers that cost time to find and never become wrong, kept in a file behind a hash of its text.

Belongs here: reading and replacing such a file. It may vanish or be damaged at any time: the answers are found again.
Does not belong here: what is remembered, and what makes an answer stay right (whoever asks).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleet_assets.adapters.durable_file import replace_file


def recall(file: Path) -> dict[str, Any]:
    """What was remembered; nothing where the file is not there or not as it was written."""
    try:
        mark, _, text = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    return dict(json.loads(text)) if mark == _hash(text) else {}


def remember(file: Path, answers: Mapping[str, Any]) -> None:
    """Keep these answers, and no others, for the processes to come."""
    text = json.dumps(answers, separators=(",", ":"))
    replace_file(file, f"{_hash(text)}\n{text}".encode())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
