"""What became of every frame. Belongs here: the counts and their sum. Does not belong here: counting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodeCounts:
    """Every frame is in exactly one of the fields up to `unknown_id`; the fields behind it say what else was met."""

    frames: int = 0
    decoded: int = 0
    """Frames that are a message of the bound database."""
    transport: int = 0
    """Frames that carry a part of a longer message, and those that control its transport."""
    error_frames: int = 0
    unbound: int = 0
    """Frames of a (vehicle, bus) that no DBC is bound to."""
    echo: int = 0
    """Frames a device sent itself and heard again on another bus number (number + 128)."""
    unknown_id: int = 0
    """Frames whose identifier the bound database does not know."""
    assembled: int = 0
    """Messages put together from several frames (ISO-TP single frames included)."""
    incomplete: int = 0
    """Messages of several frames of which a frame is missing or contradicts another, and frames that a transport
    protocol does not know."""
    short_payloads: int = 0
    """Payloads that end within a signal they should hold; signals not completely in them are null."""
    unknown_parameters: int = 0
    """Answers of OBD-II that cannot be read on from a parameter id whose length nobody knows."""
    unknown_selectors: int = 0
    """Payloads whose multiplexer value the database does not name."""
    unavailable_values: int = 0
    """Values that the bus itself called an error or not available."""
    problems: tuple[str, ...] = ()
    """Bindings that name a database nobody has, and databases of which something cannot be used."""
