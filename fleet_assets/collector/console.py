"""The console through which commands speak to people: what came from outside cannot steer their terminal.

Belongs here: escaping control characters, cutting what is too long. Does not belong here: any sentence, and what goes
to programs (JSON, Parquet, CSV in a file).

An identifier of a bus or a file is whatever somebody wrote. Printed raw, an escape sequence in it could clear the
screen, move the cursor, or write other words over ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

CONTROL = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""All but the line's end: C0, DEL, C1, what turns the direction of text round, halves of surrogate pairs."""

LONGEST = 10_000
"""Characters of one sentence; a few pages of a terminal."""


def escaped(text: str) -> str:
    """Control characters as they are written in source code: \\\\x1b."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text that is too long, cut, with the count of what is not shown."""
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text) - longest:,} more characters)"


class Console(rich.console.Console):
    """A console of rich that escapes control characters of all that is printed, tables too, and cuts long sentences."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.push_render_hook(_Escaping())

    def print(self, *objects: Any, **options: Any) -> None:
        # Within tables rich takes bells, backspaces and returns away by itself; of a sentence nothing gets lost.
        said = (escaped(shortened(one)) if isinstance(one, str) else one for one in objects)
        super().print(*said, **options)


class _Escaping(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Escaped(one) for one in renderables]


class _Escaped:
    """Another renderable, whose text is escaped where it is not rich's own control of the terminal."""

    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: rich.console.Console, options: ConsoleOptions) -> RenderResult:
        yield from _escaped(console.render(self._inner, options))


def _escaped(segments: Iterable[Segment]) -> Iterable[Segment]:
    for segment in segments:
        yield segment if segment.control else Segment(escaped(segment.text), segment.style)
