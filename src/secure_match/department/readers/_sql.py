"""RAW: a table or query of a database as Arrow batches, through SQLAlchemy. The only module that meets a database.

Invariants: one SELECT in a read-only transaction; rows come through a server-side cursor; a password comes from the
environment, never from the command line, and stands in no message; messages of the driver, which quote data, are
dropped for their SQLSTATE.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from secure_match.department.readers._exact_text import exact_text
from secure_match.department.readers._export import (
    BATCH_CELLS,
    BATCH_CHARACTERS,
    MAX_CELL_CHARACTERS,
    RefusedRows,
    cell_too_long,
    no_rows,
    require_columns,
    text_batch,
    unnamed_columns,
    verified_header,
)
from secure_match.department.readers._sql_address import (
    IN_URL,
    PASSWORD_FILE_VARIABLE,
    PASSWORD_VARIABLE,
    bad_address,
    password_in_address,
)
from secure_match.errors import InputError, Place, SecureMatchError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult

RESULT_ROWS: Final = 10_000
"""Rows of a batch; until it is made they are Python objects."""
FETCH_ROWS: Final = 2_000
FETCH_CHARACTERS: Final = 1 << 23
"""Rows fetched at once are at most ``FETCH_ROWS``, and as many as, like the last ones, hold so many characters."""
_GROWTH: Final = 8
_SAMPLE_ROWS: Final = 1_000
"""First rows of an SQLite result that tell which columns hold floats: its columns have no type of their own."""
_FLOAT_TYPES: Final = frozenset({700, 701})
"""PostgreSQL's object identifiers of float4 and float8 (its catalogue ``pg_type``)."""
MAX_QUERY_BYTES: Final = 1 << 20
_DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}
_URL_KEYS: Final = frozenset(
    {"table", "host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout"}
)
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_FETCH_TYPES: Final = "the column holds values without exact text; cast it to text, integer, numeric or date"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Source:
    """What to read.

    Attributes:
        url: address of the database; it holds no password.
        table: ``(schema, name)``, or None for a query.
        query: text of the query, or None for a table.
    """

    url: URL
    table: tuple[str | None, str] | None = None
    query: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SqlExport:
    """A table or query whose columns were asked for; an :class:`Export`. Row numbers are places in the result.

    Attributes:
        names: the header as the database spells it, blanks included.
    """

    place: str
    source: _Source
    names: tuple[str, ...]
    header: tuple[str, ...]
    notes: tuple[str, ...]
    numeric_columns: dict[str, float]
    charset: str | None = None

    def __repr__(self) -> str:
        return f"<SqlExport: {len(self.header)} columns>"

    @classmethod
    def open_url(cls, address: str) -> SqlExport:
        """A table by URL: ``postgresql://host/database?table=schema.table`` or ``sqlite:///file?table=table``.

        Raises:
            UsageError: ``EXTRA_MISSING``, ``SQL_URL``, ``SQL_PASSWORD``.
            InputError: ``SQL_FAILED``, ``INPUT_HEADER``.
        """
        url = _parse_url(address)
        name = url.query.get("table")
        if not isinstance(name, str) or not name:
            raise UsageError(f"the address names no table: {IN_URL}", code="SQL_URL")
        schema, _, table = name.rpartition(".")
        return cls._described(_place(url, f"table {name}"), _Source(url=url, table=(schema or None, table)))

    @classmethod
    def open_query(cls, path: Path, address: str | None) -> SqlExport:
        """A query file on a database.

        Raises:
            UsageError: ``SQL_CONNECTION`` without an address; as :meth:`open_url`.
            InputError: ``FILE_NOT_FOUND``; ``SQL_NOT_SELECT``; ``SQL_FAILED``, ``INPUT_HEADER``.
        """
        if address is None:
            raise UsageError("a query file needs --connection URL", code="SQL_CONNECTION", place=Place(file=path))
        url = _parse_url(address)
        return cls._described(str(path), _Source(url=url, query=_read_query(path)))

    @classmethod
    def _described(cls, place: str, source: _Source) -> SqlExport:
        result = _result(source, None)
        rows = _guarded(place, result)
        names = tuple(str(name) for name in next(rows))
        floats = next(rows, ())
        result.close()
        header = verified_header(names, place)
        return cls(
            place=place,
            source=source,
            names=names,
            header=header,
            notes=(f"{source.url.get_backend_name()}, rows in the order of the database", *unnamed_columns(header)),
            numeric_columns={name: share for name, share in zip(header, floats, strict=True) if name and share},
        )

    def require(self, columns: Sequence[str]) -> None:
        """See :meth:`Export.require`."""
        require_columns(self.header, columns, self.place)

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """See :meth:`Export.batches`. No row is refused.

        Raises:
            InputError: ``SQL_FAILED``, ``COLUMN_TYPE`` or ``CELL_TOO_LONG`` with the row.
        """
        self.require(columns)
        first = 1
        rows: list[Sequence[Any]] = []
        characters = 0
        names = [self.names[self.header.index(column)] for column in columns]
        result = _guarded(self.place, _result(self.source, names))
        found = list(next(result))
        if not set(names) <= set(found):
            raise InputError(
                "the columns changed while they were read", code="SQL_FAILED", place=Place(file=self.place)
            )
        places = [found.index(name) for name in names]
        most_rows = max(1, min(RESULT_ROWS, BATCH_CELLS // max(len(columns), 1)))
        for row in result:
            cells = [row[place] for place in places]
            rows.append(cells)
            characters += _characters(cells)
            if len(rows) == most_rows or characters > BATCH_CHARACTERS:
                yield self._batch(columns, rows, first)
                first += len(rows)
                rows, characters = [], 0
        if rows:
            yield self._batch(columns, rows, first)
        elif first == 1:
            raise no_rows(self.place)

    def _batch(self, columns: Sequence[str], rows: list[Sequence[Any]], first: int) -> pa.RecordBatch:
        arrays = []
        for name, cells in zip(columns, zip(*rows, strict=True), strict=True):
            texts = [exact_text(cell) for cell in cells]
            if None in texts:
                raise InputError(
                    _FETCH_TYPES,
                    code="COLUMN_TYPE",
                    place=Place(file=self.place, row=first + texts.index(None), column=name),
                )
            long = next((row for row, text in enumerate(texts) if len(text or "") > MAX_CELL_CHARACTERS), None)
            if long is not None:
                raise cell_too_long(self.place, row=first + long, column=name)
            arrays.append(pa.array(texts, pa.string()))
        return text_batch(columns, range(first, first + len(rows)), arrays)


def _parse_url(address: str) -> URL:
    """The address, which must not hold a password."""
    make_url, failure = _url_parser()
    url: URL | None = None
    with suppress(failure, ValueError):
        url = make_url(address)
    if url is None or url.drivername not in _DRIVERS:
        raise bad_address()
    if url.password is not None or any("pass" in key.lower() for key in url.query):
        raise password_in_address()
    unknown = sorted(set(url.query) - _URL_KEYS)
    if unknown:
        raise UsageError(
            f"the address has keys that are not known; known: {', '.join(sorted(_URL_KEYS))}", code="SQL_URL"
        )
    return url.set(drivername=_DRIVERS[url.drivername])


def _url_parser() -> tuple[Any, type[Exception]]:
    try:
        from sqlalchemy import make_url  # noqa: PLC0415  # An extra.
        from sqlalchemy.exc import ArgumentError  # noqa: PLC0415
    except ImportError:
        pass
    else:
        return make_url, ArgumentError
    raise _extra_missing()


def _extra_missing() -> UsageError:
    return UsageError("databases need the extra sql: install secure_match[sql]", code="EXTRA_MISSING")


def _place(url: URL, what: str) -> str:
    host = f"{url.host}/" if url.host else ""
    return f"{url.get_backend_name()} {host}{url.database or ''} {what}"


def _password() -> str | None:
    """From the environment or the file that it names; None lets the driver look in PGPASSWORD and ~/.pgpass."""
    problem = ""
    name = os.environ.get(PASSWORD_FILE_VARIABLE)
    if not name:
        return os.environ.get(PASSWORD_VARIABLE)
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError):
        problem = f"the password file that {PASSWORD_FILE_VARIABLE} names cannot be read"
    raise UsageError(problem, code="SQL_PASSWORD_FILE")


def _read_query(path: Path) -> str:
    problem = ("INPUT_CHARSET", "a query file is UTF-8 text")
    text = ""
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_QUERY_BYTES + 1).decode("utf-8-sig")
        problem = ("", "")
    except OSError as error:
        problem = ("FILE_NOT_FOUND", error.strerror or "cannot be read")
    except UnicodeDecodeError:
        pass
    bare = _COMMENT.sub(" ", text).strip().rstrip(";").strip()
    if not problem[0] and (not re.match(r"(select|with)\b", bare, re.IGNORECASE) or len(text) > MAX_QUERY_BYTES):
        problem = ("SQL_NOT_SELECT", "a query file holds one SELECT and nothing else")
    if problem[0]:
        raise InputError(problem[1], code=problem[0], place=Place(file=path))
    return text.strip().rstrip(";")


def _guarded(place: str, items: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """The items; an error of the database or its driver becomes ours, without its message."""
    import sqlalchemy  # noqa: PLC0415  # An extra; _parse_url was here before.

    state = ""
    missing = False
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except SecureMatchError:
            raise
        except (sqlalchemy.exc.NoSuchModuleError, ImportError):
            missing = True
            break
        except Exception as error:  # Drivers raise what they like when data does not fit its type.
            original = getattr(error, "orig", None)
            state = str(getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or "")
            break
        yield item
    if missing:
        raise _extra_missing()
    known = f" (SQLSTATE {state})" if state else ""
    raise InputError(
        f"the database refused or broke off{known}; check address, user, password, table and rights",
        code="SQL_FAILED",
        place=Place(file=place),
    )


def _result(source: _Source, columns: Sequence[str] | None) -> Generator[Sequence[Any], None, None]:
    """The names of the result's columns, then its rows; without ``columns`` the share of floats in each instead."""
    import sqlalchemy  # noqa: PLC0415

    sqlite = source.url.get_backend_name() == "sqlite"
    address = _read_only_file(source.url) if sqlite else _with_password(source.url)
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool, hide_parameters=True)
    options: dict[str, Any] = {"stream_results": True}
    if not sqlite:
        options["postgresql_readonly"] = True
    try:
        with (
            engine.connect() as connection,
            _execute(connection.execution_options(**options), source, columns) as result,
        ):
            yield tuple(result.keys())
            if columns is None:
                yield _float_shares(result)
            else:
                yield from _fetched(result)
    finally:
        engine.dispose()


def _fetched(result: CursorResult[Any]) -> Iterator[Sequence[Any]]:
    """The rows, fetched so that long cells do not add up: few at first, then by the length of the last ones."""
    rows = 1
    while chunk := result.fetchmany(rows):
        yield from chunk
        each = max(1, sum(map(_characters, chunk)) // len(chunk))
        rows = max(1, min(FETCH_ROWS, rows * _GROWTH, FETCH_CHARACTERS // each))


def _characters(cells: Sequence[Any]) -> int:
    return sum(len(cell) for cell in cells if isinstance(cell, str | bytes))


def _float_shares(result: CursorResult[Any]) -> tuple[float, ...]:
    """For each column the share of its filled cells that are floats: by its type, in SQLite by the first rows."""
    if result.context.dialect.name != "sqlite":
        described = result.cursor.description if result.cursor is not None else ()
        return tuple(float(column[1] in _FLOAT_TYPES) for column in described)
    filled = [0] * len(result.keys())
    floats = list(filled)
    for row in islice(_fetched(result), _SAMPLE_ROWS):
        for place, cell in enumerate(row):
            filled[place] += cell is not None
            floats[place] += isinstance(cell, float)
    return tuple(count / max(total, 1) for count, total in zip(floats, filled, strict=True))


def _execute(connection: Connection, source: _Source, columns: Sequence[str] | None) -> CursorResult[Any]:
    import sqlalchemy  # noqa: PLC0415

    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    if source.query is not None:
        # As the driver takes it: colons and percent signs of the query are not placeholders.
        return connection.execution_options(no_parameters=True).exec_driver_sql(source.query)
    schema, name = source.table or (None, "")
    table = sqlalchemy.table(sqlalchemy.quoted_name(name, quote=True), schema=schema)
    if columns is None:
        return connection.execute(
            sqlalchemy.select(sqlalchemy.text("*")).select_from(table).limit(_SAMPLE_ROWS if sqlite else 0)
        )
    wanted: list[Any] = [sqlalchemy.column(sqlalchemy.quoted_name(column, quote=True)) for column in columns]
    return connection.execute(sqlalchemy.select(*wanted).select_from(table))


def _with_password(url: URL) -> URL:
    query = {key: value for key, value in url.query.items() if key != "table"}
    password = _password()
    url = url.set(query=query)
    return url if password is None else url.set(password=password)


def _read_only_file(url: URL) -> URL:
    """The SQLite file, opened read-only so that a wrong name makes no new file."""
    path = Path(url.database or "").absolute()
    if not path.is_file():
        raise InputError("there is no such SQLite file", code="FILE_NOT_FOUND", place=Place(file=path))
    return url.set(database=path.as_uri(), query={"mode": "ro", "uri": "true"})
