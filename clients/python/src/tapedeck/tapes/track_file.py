"""The Parquet files of a tape, as tables of the libraries that read them."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from tapedeck.errors import TapedeckError
from tapedeck.http import HttpClient
from tapedeck.tapes.range_reader import RangeReader

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

#: How often a file that changes while it is read is read anew: that of a tape which grows does so now and then.
MAX_READS: Final = 3

T = TypeVar("T")


class TrackFile:
    """One of the files `trades`, `book`, `orders`, `snapshots`, `frames` and `bars` of a tape.

    docs/tape-format.md and docs/exporting.md describe their columns.

    It sends nothing until it is read. Reading blocks: beside sessions that play, use `await asyncio.to_thread(file.to_polars)`.
    `columns` names the columns to return, all by default. `from_seq` and `to_seq` limit the rows to those that these frames, both
    included, show first; bars have no such column. Prices and amounts are exact decimals; with `exact=False` they are floats, which
    most calculations want.

    Raises `TapedeckError`: `TRACK_NOT_FOUND` when the tape has no event track, `unreachable`, `changed`, and refusals.
    """

    def __init__(self, http: HttpClient, path: str) -> None:
        self._http = http
        self._path = path

    @property
    def url(self) -> str:
        """For tools that read Parquet over HTTP themselves, such as DuckDB and `polars.scan_parquet`, in a cluster without users."""
        return f"{self._http.addresses[0]}{self._path}"

    def open(self) -> RangeReader:
        """A binary file that fetches only the parts that are read."""
        return RangeReader(self._http, self._path)

    def download(self, path: str | Path) -> Path:
        """Writes the file as it is, and returns its path. A download that fails leaves nothing."""
        target = Path(path)
        partial = target.with_name(f".{target.name}.partial")

        def write(source: RangeReader) -> Path:
            with partial.open("wb") as file:
                for piece in source.pieces():
                    file.write(piece)
            return partial.replace(target)

        try:
            return self._read(write)
        finally:
            partial.unlink(missing_ok=True)

    def to_arrow(
        self,
        columns: Sequence[str] | None = None,
        *,
        from_seq: int | None = None,
        to_seq: int | None = None,
        exact: bool = True,
    ) -> pyarrow.Table:
        """A pyarrow table. Only the columns and row groups that it needs are fetched."""
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise _missing("pyarrow", "arrow") from error
        limits = [("seq", ">=", from_seq), ("seq", "<=", to_seq)]
        filters = [limit for limit in limits if limit[2] is not None] or None
        wanted = None if columns is None else list(columns)
        table = self._read(lambda file: pyarrow.parquet.read_table(file, columns=wanted, filters=filters))
        if exact:
            return table
        for at, field in enumerate(table.schema):
            if pyarrow.types.is_decimal(field.type):
                table = table.set_column(at, field.name, table.column(at).cast(pyarrow.float64()))
        return table

    def to_pandas(
        self,
        columns: Sequence[str] | None = None,
        *,
        from_seq: int | None = None,
        to_seq: int | None = None,
        exact: bool = True,
    ) -> pandas.DataFrame:
        """A pandas frame. It needs pyarrow as well; exact prices are `decimal.Decimal` objects there, which are slow."""
        if importlib.util.find_spec("pandas") is None:
            raise _missing("pandas", "pandas")  # pyarrow's own message would not say what to install
        table = self.to_arrow(columns, from_seq=from_seq, to_seq=to_seq, exact=exact)
        frame: pandas.DataFrame = table.to_pandas()
        return frame

    def to_polars(
        self,
        columns: Sequence[str] | None = None,
        *,
        from_seq: int | None = None,
        to_seq: int | None = None,
        exact: bool = True,
    ) -> polars.DataFrame:
        """A polars frame. The whole file is fetched; polars alone is enough."""
        try:
            import polars
        except ImportError as error:
            raise _missing("polars", "polars") from error
        rows = polars.scan_parquet(io.BytesIO(self._read(RangeReader.read)))
        if from_seq is not None:
            rows = rows.filter(polars.col("seq") >= from_seq)
        if to_seq is not None:
            rows = rows.filter(polars.col("seq") <= to_seq)
        if columns is not None:
            rows = rows.select(columns)
        table = rows.collect()
        return table if exact else table.with_columns(polars.selectors.decimal().cast(polars.Float64))

    def _read(self, use: Callable[[RangeReader], T]) -> T:
        """Opens the file and reads it, again if it changes meanwhile."""
        for _ in range(MAX_READS - 1):
            try:
                with self.open() as file:
                    return use(file)
            except TapedeckError as error:
                if error.code != "changed":
                    raise
        with self.open() as file:
            return use(file)


def _missing(package: str, extra: str) -> TapedeckError:
    return TapedeckError("bad_argument", f'{package} is not installed: pip install "tapedeck[{extra}]".')
