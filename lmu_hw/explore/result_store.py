"""The results of explorations in one SQLite file, each under the digest of what it depends on.

A result's key is the SHA-256 of its request as canonical JSON: the source and the settings of a
design; the program, the data and the metric of a score; the program and the hardware of a schedule;
the program, the hardware, the target, the basis and the versions of the tools of a figure. So what
is known is never computed again, whoever asks, and a file may be extended, copied and shared.

A row holds the SHA-256 of its outcome too: what was changed or damaged is refused.

The file is in WAL mode where the file system allows it: readers see whole results while one writer
adds to them. A result is written when it arrives, in a transaction of its own.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import EmitError, ModelFileError, reason_of

SCHEMA_VERSION = 1
APPLICATION_ID = 0x6C6D7578
"""``lmux``: marks the file as ours in its header."""
BUSY_SECONDS = 30.0
"""How long a writer waits for another one."""


class ResultKind(Enum):
    """The tables of a store."""

    DESIGN = "designs"
    SCORE = "scores"
    PLAN = "plans"
    FIGURES = "figures"


SCHEMA = "\n".join(
    f"""CREATE TABLE IF NOT EXISTS {kind.value} (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    outcome TEXT NOT NULL,
    digest TEXT NOT NULL
) WITHOUT ROWID;"""
    for kind in ResultKind
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """A result and what it is the result of.

    Attributes
    ----------
    kind : ResultKind
    request : mapping
        JSON data that the result depends on, and on nothing else.
    outcome : mapping
        JSON data of the result.
    """

    kind: ResultKind
    request: Mapping[str, Any]
    outcome: Mapping[str, Any]


def key_of(request: Mapping[str, Any]) -> str:
    """Return the key of a request: the SHA-256 of its canonical JSON.

    Examples
    --------
    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    True
    """
    return _digest(_text(request))


def _text(data: Mapping[str, Any]) -> str:
    # a request may be for a number that is none: its result says so
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class ResultStore:
    """A file of results, open for reading and writing.

    Parameters
    ----------
    path : Path
        The file; made with its directory if it is not there.

    Raises
    ------
    ModelFileError
        If the file is no store, or one of another version.
    EmitError
        If it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise EmitError(f"cannot write {path}: {reason_of(error)}") from error
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._file.close()
            if isinstance(error, sqlite3.OperationalError):
                raise EmitError(f"cannot write {path}: {reason_of(error)}") from error
            raise ModelFileError(
                f"{path} is no store of explorations: {reason_of(error)}; give another directory"
            ) from error
        except ModelFileError:
            self._file.close()
            raise

    def _prepare(self) -> None:
        tables = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        (mark,) = self._file.execute("PRAGMA application_id").fetchone()
        (version,) = self._file.execute("PRAGMA user_version").fetchone()
        if tables and (mark, version) != (APPLICATION_ID, SCHEMA_VERSION):
            what = f"of version {version}" if mark == APPLICATION_ID else "of another program"
            raise ModelFileError(
                f"{self.path} must be a store of explorations of version {SCHEMA_VERSION}, not "
                f"{what}; give another directory"
            )
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        if not tables:
            self._file.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._file.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._file.executescript(SCHEMA)

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was put is in it."""
        self._file.close()

    def get(self, kind: ResultKind, key: str) -> dict[str, Any] | None:
        """Return the outcome under a key; None where it is not known.

        Raises
        ------
        ModelFileError
            If the file is damaged, or the outcome was changed.
        """
        rows = self._rows(f"SELECT outcome, digest FROM {kind.value} WHERE key = ?", key)
        return self._outcome(*rows[0]) if rows else None

    def put(self, *results: StoredResult) -> set[str]:
        """Write results in one transaction; a request that is known keeps its outcome.

        Returns
        -------
        set of str
            Keys of the results that were not known.

        Raises
        ------
        EmitError
            If the file cannot be written.
        """
        try:
            self._file.execute("BEGIN IMMEDIATE")
            new = set()
            for result in results:
                key, outcome = key_of(result.request), _text(result.outcome)
                done = self._file.execute(
                    f"INSERT OR IGNORE INTO {result.kind.value} VALUES (?, ?, ?, ?)",
                    (key, _text(result.request), outcome, _digest(outcome)),
                )
                new |= {key} if done.rowcount else set()
            self._file.execute("COMMIT")
            return new
        except sqlite3.Error as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise EmitError(f"cannot write {self.path}: {reason_of(error)}") from error

    def count(self, kind: ResultKind) -> int:
        """Return the number of results of a kind."""
        return int(self._rows(f"SELECT count(*) FROM {kind.value}")[0][0])

    def results(self, kind: ResultKind) -> Iterator[StoredResult]:
        """Yield all results of a kind, in the order of their keys."""
        rows = self._rows(f"SELECT request, outcome, digest FROM {kind.value} ORDER BY key")
        for request, *kept in rows:
            yield StoredResult(kind=kind, request=json.loads(request), outcome=self._outcome(*kept))

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._file.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(reason_of(error)) from error

    def _outcome(self, text: str, digest: str) -> dict[str, Any]:
        if _digest(text) != digest:
            raise self._damaged("a result was changed")
        outcome: dict[str, Any] = json.loads(text)
        return outcome

    def _damaged(self, why: str) -> ModelFileError:
        return ModelFileError(f"{self.path} is damaged: {why}; delete it to compute again")
