"""Who may read what this process writes: its own user, or the user's group too where the settings say so.

Belongs here: the mask of new files and folders. Does not belong here: files that a person asks for elsewhere, such as
the result of a query (`as_the_person_set`), and secrets, which are nobody else's whatever the settings say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

MASKS = {"user": 0o077, "group": 0o027}
"""By the setting FLEET_SHARED_WITH."""

_persons_own: list[int] = []


@contextmanager
def private(shared_with: str) -> Iterator[None]:
    """Have new files and folders of this process and its children closed to others for a while."""
    _persons_own.append(os.umask(MASKS[shared_with]))
    try:
        yield
    finally:
        os.umask(_persons_own.pop())


@contextmanager
def as_the_person_set() -> Iterator[None]:
    """Have new files open to whom the person's own mask says: for what lies outside of FLEET_HOME."""
    ours = os.umask(_persons_own[-1]) if _persons_own else None
    try:
        yield
    finally:
        if ours is not None:
            os.umask(ours)
