"""Header names that are not UTF-8, which would stop aiokafka's consumer at their record for ever.

Kafka's brokers do not look into header names, and producers built on C clients can write any bytes there.
aiokafka decodes the names strictly while it parses a batch, so `getmany` raises at each try. Here such a
batch is parsed once more by aiokafka's own Python parser with lone surrogates in the place of bytes that
are no text, which the codec then rejects like any other bad header. Batches with proper names, so all but
broken ones, are parsed as ever.
"""

from typing import Any, Self

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


def tolerate_odd_header_names() -> None:
    """Let all consumers of this process read on. Repeating it changes nothing."""
    fetcher.MemoryRecords = _Fetched
    fetcher.PartitionRecords = _TolerantPartition


class _Fetched(MemoryRecords):  # type: ignore[misc]
    """Fetched batches that remember their bytes, as they may have to be parsed again."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw


class _TolerantPartition(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one fetch. A second parsing begins at its first batch again, and gives nothing twice."""

    _records: Any
    _aborted_transactions: Any
    _aborted_producers: Any

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._aborted = tuple(self._aborted_transactions)

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except UnicodeDecodeError:
            return self._parsed_again(self.next_fetch_offset)

    def _parsed_again(self, stood: int) -> Any:
        """The record at `stood` or behind it. Which transactions were aborted is used up by going through them."""
        self._aborted_transactions, self._aborted_producers = list(self._aborted), set()
        self._records = _Tolerant(self._records.raw)
        self._records_iterator = self._unpack_records()
        while (record := super().__next__()).offset < stood:
            pass
        return record


class _Tolerant:
    """The part of aiokafka's `MemoryRecords` that the fetcher goes through, parsed tolerantly."""

    def __init__(self, raw: bytes) -> None:
        self._records = _MemoryRecordsPy(raw)

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        raw = self._records._next_slice
        batch = self._records.next_batch()
        return _TolerantBatch(raw) if raw is not None and raw[_MemoryRecordsPy.MAGIC_OFFSET] >= 2 else batch


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytearray

    def __iter__(self) -> Self:
        self._maybe_uncompress()
        self._buffer = _Bytes(self._buffer)
        return self


class _Bytes(bytearray):
    """Bytes whose slices decode without an error."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Bytes(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)
