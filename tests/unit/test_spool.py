"""Lists on disk."""

from __future__ import annotations

import gc
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data.spool import Lazy, Spool


class Item(msgspec.Struct, frozen=True):
    name: str
    numbers: tuple[int, ...] = ()


def spooled(items: list[Item]) -> Spool[Item]:
    spool = Spool(Item)
    for item in items:
        spool.append(item)
    return spool


@settings(deadline=None, max_examples=50)
@given(st.lists(st.builds(Item, st.text(), st.lists(st.integers(0, 9)).map(tuple))))
def test_items_come_back_as_they_went_in(items: list[Item]) -> None:
    spool = spooled(items)
    assert len(spool) == len(items)
    assert list(spool) == items
    assert [spool[i] for i in range(len(items))] == items
    assert spool[1:3] == items[1:3]


def test_items_can_be_read_while_more_are_added() -> None:
    spool = spooled([Item("a")])
    assert spool[0] == Item("a")
    spool.append(Item("b"))
    assert [item.name for item in spool] == ["a", "b"]
    assert spool[-1] == Item("b")
    with pytest.raises(IndexError):
        spool[2]


def test_a_spool_shows_no_file_and_leaves_none(home: Path) -> None:
    spool = spooled([Item("secret" * 100_000)])
    assert list(home.iterdir()) == []
    del spool
    gc.collect()
    assert list(home.iterdir()) == []


def test_what_is_lazy_is_made_anew_whenever_it_is_asked_for() -> None:
    made: list[int] = []

    def make(number: int) -> str:
        made.append(number)
        return str(number)

    lazy = Lazy([3, 1, 2], make)
    assert (len(lazy), made) == (3, [])
    assert list(lazy) == ["3", "1", "2"] and lazy[0] == "3" and lazy[1:] == ["1", "2"]
    assert made == [3, 1, 2, 3, 1, 2]
