"""What a proof yields, and how hard it tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Strength(Enum):
    """QUICK is a smaller set of the same runs for the suite (a minute at most); FULL is what `make prove` runs."""

    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True)
class Outcome:
    """One line of the table: what is claimed, what was tried (with numbers), whether it held, and what was seen."""

    claim: str
    tried: str
    held: bool
    seen: str = ""


Say = Callable[[str], None]
"""Tells a waiting person how far it is; a line that is replaced by the next."""


class Proof(Protocol):
    """The shape of a module in this package that proves something."""

    TITLE: str

    @staticmethod
    def prove(strength: Strength, say: Say) -> Iterator[Outcome]: ...
