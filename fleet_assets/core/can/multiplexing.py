"""Which signals a payload of a multiplexed message holds; simple and extended multiplexing, nested to any depth.

Belongs here: parting of a message's payloads by their selectors, so that each part has the same signals and no column
is mostly empty. Does not belong here: values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.database import Message, Signal
from fleet_assets.core.can.extraction import raw_numbers
from fleet_assets.core.can.payload_group import Index, PayloadGroup
from fleet_assets.core.compiled import I64, kernel

_ABSENT = 0
"""Class of a selector that is not completely in the payload: it selects nothing."""
_UNKNOWN = 1
"""Class of selector values the database does not name."""

_TABLE_BITS = 16

Classes = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Variant:
    """Places of payloads of one message that hold the same signals."""

    signals: tuple[Signal, ...]
    index: Index
    is_unknown: bool


@dataclass(frozen=True)
class _Selector:
    """`chosen[k]`: names of the signals that values of class k select; `classes`: the class of each payload."""

    signal: Signal
    chosen: tuple[frozenset[str], ...]
    classes: Classes


def variants(message: Message, group: PayloadGroup) -> Iterator[Variant]:
    """Parts of the group by the signals they hold. A selector value the database does not know selects nothing."""
    selectors = [_selector(message, signal, group) for signal in message.selectors]
    for number, index in _parts(selectors, len(group)):
        chosen = _classes_of(number, selectors)
        signals = tuple(signal for signal in message.signals if _is_present(signal, message, chosen))
        yield Variant(signals, index, _is_unknown(signals, chosen))


def _parts(selectors: list[_Selector], count: int) -> Iterator[tuple[int, Index]]:
    """Places of the payloads of each combination of classes that occurs, the combination as a mixed-radix number."""
    size = math.prod(len(selector.chosen) for selector in selectors)
    combined = np.zeros(count, dtype=np.int64)
    for selector in selectors:
        combined = combined * len(selector.chosen) + selector.classes
    if size <= 1 << 16:
        numbers, order, ends = np.arange(size), np.empty(count, dtype=np.int64), np.zeros(size, dtype=np.int64)
        _counting_sort(combined, order, ends)
    else:
        # That many combinations hardly occur.
        order = np.argsort(combined, kind="stable")
        numbers, sizes = np.unique(combined, return_counts=True)
        ends = np.cumsum(sizes)
    begin = 0
    for number, end in zip(numbers.tolist(), ends.tolist(), strict=True):
        if end > begin:
            yield number, order[begin:end]
        begin = end


@kernel
def _counting_sort(numbers: I64, order: I64, ends: I64) -> None:
    """Fill `order` with the places of the numbers 0, 1, ..., each ascending; `ends` (zeros) with where each ends."""
    for i in range(len(numbers)):
        ends[numbers[i]] += 1
    begin = 0
    for k in range(len(ends)):
        ends[k], begin = begin, begin + ends[k]
    for i in range(len(numbers)):
        order[ends[numbers[i]]] = i
        ends[numbers[i]] += 1


def _selector(message: Message, signal: Signal, group: PayloadGroup) -> _Selector:
    children: dict[int, set[str]] = {code: set() for code in signal.choices}
    for child in message.signals:
        if child.selector == signal.name:
            for value in child.selector_ids:
                children.setdefault(value, set()).add(child.name)
    chosen: dict[frozenset[str], int] = {}
    class_of = {value: chosen.setdefault(frozenset(names), len(chosen) + 2) for value, names in children.items()}
    words, local = group.source(signal)
    raw = raw_numbers(words, local)
    classes = _classes(raw, class_of, signal.length)
    classes[group.without(signal)] = _ABSENT
    return _Selector(signal, (frozenset(), frozenset(), *chosen), classes)


def _classes(raw: npt.NDArray[np.integer], class_of: Mapping[int, int], length: int) -> Classes:
    if length <= _TABLE_BITS:
        table = np.full(1 << length, _UNKNOWN, dtype=np.uint32)
        for value, number in class_of.items():
            if -len(table) <= value < len(table):
                table[value] = number
        return table[raw.astype(np.int64)]
    distinct, inverse = np.unique(raw, return_inverse=True)
    found = np.array([class_of.get(value, _UNKNOWN) for value in distinct.tolist()], dtype=np.uint32)
    return found[inverse]


def _classes_of(number: int, selectors: list[_Selector]) -> dict[str, tuple[int, frozenset[str]]]:
    """Class and selected signals per selector, from the mixed-radix number of a combination."""
    found = {}
    for selector in reversed(selectors):
        number, digit = divmod(number, len(selector.chosen))
        found[selector.signal.name] = (digit, selector.chosen[digit])
    return found


def _is_present(signal: Signal, message: Message, chosen: Mapping[str, tuple[int, frozenset[str]]]) -> bool:
    if signal.selector is None:
        return True
    if signal.selector not in chosen or signal.name not in chosen[signal.selector][1]:
        return False
    selector = next(other for other in message.selectors if other.name == signal.selector)
    return _is_present(selector, message, chosen)


def _is_unknown(signals: tuple[Signal, ...], chosen: Mapping[str, tuple[int, frozenset[str]]]) -> bool:
    return any(signal.name in chosen and chosen[signal.name][0] == _UNKNOWN for signal in signals)
