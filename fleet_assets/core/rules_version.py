"""Versions of rules: what a row is stamped with, so that it says by which rules it was made.

Belongs here: the naming. Does not belong here: the rules, and the number of their code, which stand side by side.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import blake2b
from typing import Any


def rules_version(rules: Any, code_version: int) -> str:
    """Twelve hex digits that name every number of the rules (a dataclass) and the version of the code that applies
    them."""
    text = json.dumps([code_version, asdict(rules)], sort_keys=True)
    return blake2b(text.encode(), digest_size=6).hexdigest()
