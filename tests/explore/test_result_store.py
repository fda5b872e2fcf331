"""Results in SQLite: kept, found again, read by others, and damage refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lmu_hw.errors import EmitError, ModelFileError
from lmu_hw.explore.result_store import ResultKind, ResultStore, StoredResult, key_of


def result(number: int, outcome: object = None) -> StoredResult:
    data = {"value": number} if outcome is None else {"value": outcome}
    return StoredResult(kind=ResultKind.DESIGN, request={"number": number}, outcome=data)


def test_results_are_kept(tmp_path: Path) -> None:
    with ResultStore(tmp_path / "new" / "explore.sqlite") as store:
        assert store.put(result(1), result(2)) == {key_of({"number": 1}), key_of({"number": 2})}
    with ResultStore(tmp_path / "new" / "explore.sqlite") as store:
        assert store.get(ResultKind.DESIGN, key_of({"number": 2})) == {"value": 2}
        assert store.get(ResultKind.SCORE, key_of({"number": 2})) is None
        assert store.count(ResultKind.DESIGN) == 2
        assert {r.outcome["value"] for r in store.results(ResultKind.DESIGN)} == {1, 2}


def test_the_first_outcome_of_a_request_stays(tmp_path: Path) -> None:
    with ResultStore(tmp_path / "explore.sqlite") as store:
        store.put(result(1, "first"))
        assert store.put(result(1, "second")) == set()
        assert store.get(ResultKind.DESIGN, key_of({"number": 1})) == {"value": "first"}


def test_the_order_of_keys_is_no_difference() -> None:
    assert key_of({"a": 1, "b": {"c": 2, "d": 3}}) == key_of({"b": {"d": 3, "c": 2}, "a": 1})
    assert key_of({"a": 1}) != key_of({"a": "1"})


def test_readers_see_what_was_put_while_the_writer_is_open(tmp_path: Path) -> None:
    path = tmp_path / "explore.sqlite"
    with ResultStore(path) as writer:
        writer.put(result(1))
        with ResultStore(path) as reader, ResultStore(path) as other:
            writer.put(result(2))
            for each in (reader, other):
                assert each.get(ResultKind.DESIGN, key_of({"number": 2})) == {"value": 2}
            other.put(result(3))  # and another writer waits its turn
        assert writer.count(ResultKind.DESIGN) == 3


def test_a_result_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "explore.sqlite"
    with ResultStore(path) as store:
        store.put(result(1))
        copy = sqlite3.connect(path)
        try:
            assert copy.execute("SELECT count(*) FROM designs").fetchone() == (1,)
        finally:
            copy.close()


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("no database, but long enough to be one " * 9)
    with pytest.raises(ModelFileError, match="is no store of explorations"):
        ResultStore(text)
    other = tmp_path / "other.sqlite"
    file = sqlite3.connect(other)
    file.execute("CREATE TABLE t (a)")
    file.commit()
    file.close()
    with pytest.raises(ModelFileError, match="not of another program"):
        ResultStore(other)


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "explore.sqlite"
    ResultStore(path).close()
    file = sqlite3.connect(path)
    file.execute("PRAGMA user_version=99")
    file.commit()
    file.close()
    with pytest.raises(ModelFileError, match="version 1, not of version 99"):
        ResultStore(path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmitError, match="cannot write"):
        ResultStore(tmp_path / "file" / "explore.sqlite")
    with pytest.raises(EmitError, match="cannot write"):
        ResultStore(tmp_path)
