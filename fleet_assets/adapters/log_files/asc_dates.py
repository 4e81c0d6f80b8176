"""The date in the header of an .asc log, in the languages and clocks that writers of it have.

Belongs here: text to a wall clock time, or the reason why it is none. Does not belong here: zones, what frames count
from.

    Tue Mar 10 03:06:13.191 pm 2026     Die Mär 10 15:06:13.191 2026     10.03.2026 15:06:13     2026-03-10 15:06:13

A month is known by the beginning of its name; a letter that another code page has broken stands for any. A name that
means two months in two languages (Polish and Croatian `lis`) is not known. With `pm` an hour of the 24 h clock stays
as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

_MONTHS: tuple[tuple[str, ...], ...] = (
    ("jan", "jän", "ene", "gen", "led", "sty", "oca", "tammi"), ("feb", "fév", "fev", "úno", "lut", "şub", "helmi"),
    ("mar", "mär", "mrz", "mrt", "maa", "bře"), ("apr", "avr", "abr", "kwi", "dub", "nis", "huhti"),
    ("may", "mai", "mag", "mei", "maj", "kvě", "touko"), ("jun", "juin", "giu", "kesä", "cze", "haz", "čvn"),
    ("jul", "juil", "lug", "hein", "tem", "čvc"), ("aug", "aoû", "ago", "elo", "sie", "ağu"),
    ("sep", "set", "zář", "syy", "wrz", "eyl"), ("oct", "okt", "ott", "out", "říj", "loka", "paź", "eki"),
    ("nov", "kas"), ("dec", "dez", "déc", "dic", "des", "pro", "joulu", "gru", "ara"),
)  # fmt: skip
"""What names of months begin with: those of English, German, French, Spanish, Italian, Portuguese, Dutch, Scandinavian
languages, Finnish, Polish, Czech and Turkish that mean one month in all of them."""

_NAMED = re.compile(
    r"^(?:[^\d\s]+\s+)?(?P<month>[^\d\s]+|\d{1,2}[^\d\s.:/-]+)\s+(?P<day>\d{1,2})\.?\s+(?P<clock>\S+)"
    r"(?:\s+(?P<half>[^\d\s]+(?:\s?m\.)?))?\s+(?P<year>\d{4})$"
)
_DOTTED = re.compile(r"^(?:[^\d\s]+\s+)?(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})\s+(?P<clock>\S+)$")
_ISO = re.compile(r"^(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T\s]+(?P<clock>\S+)$")
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?$")

_HALVES = {"am": 0, "a.m.": 0, "vorm.": 0, "上午": 0, "午前": 0, "오전": 0,
           "pm": 12, "p.m.": 12, "nachm.": 12, "下午": 12, "午後": 12, "오후": 12}  # fmt: skip


def wall_time(text: str) -> datetime | str:
    """The date of a header line (naive), or a clause that says why it is none."""
    found = next((match for pattern in (_NAMED, _DOTTED, _ISO) if (match := pattern.match(text.strip()))), None)
    if found is None:
        return f"the date {text!r} is not written in a known way"
    parts = found.groupdict()
    month = int(parts["month"]) if parts["month"].isascii() and parts["month"].isdigit() else _month(parts["month"])
    if not month:
        return f"the month {parts['month']!r} in the date {text!r} is unknown, or means two months"
    clock = _clock(parts["clock"], parts.get("half"))
    if isinstance(clock, str):
        return f"{clock} in the date {text!r}"
    try:
        return datetime(int(parts["year"]), month, int(parts["day"]), *clock)
    except ValueError:
        return f"the date {text!r} does not exist"


def _month(name: str) -> int:
    """1 to 12, 0 for a name of none or of two."""
    if numbered := re.match(r"\d{1,2}(?=\D)", name):
        return int(numbered.group()) if 1 <= int(numbered.group()) <= 12 else 0
    for is_same in (str.__eq__, _may_be):
        found = {number for number, names in enumerate(_MONTHS, 1) if any(_begins(name, one, is_same) for one in names)}
        if found:
            return found.pop() if len(found) == 1 else 0
    return 0


def _may_be(letter: str, known: str) -> bool:
    """Whether a letter is the known one, or was broken by another code page."""
    return letter == known or not letter.isascii()


def _begins(name: str, known: str, is_same: Callable[[str, str], bool]) -> bool:
    return len(name) >= len(known) and all(map(is_same, name.lower(), known))


def _clock(text: str, half: str | None) -> tuple[int, int, int, int] | str:
    """Hour, minute, second and microsecond."""
    found = _CLOCK.match(text)
    if not found:
        return f"the time {text!r} is no clock time"
    hour, minute, second = (int(part) for part in found.groups()[:3])
    if half is not None:
        offset = _HALVES.get(half.lower())
        if offset is None:
            return f"the word {half!r} behind the time is neither am nor pm"
        if (hour > 12 and not offset) or (hour == 0 and offset):
            return f"the time {text!r} is none of {half}"
        hour = hour if hour > 12 else hour % 12 + offset
    return hour, minute, second, round(int((found.group(4) or "0").ljust(9, "0")) / 1000) % 1_000_000
