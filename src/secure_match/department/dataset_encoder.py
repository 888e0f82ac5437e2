"""RAW: batches of an export to the ``EncodedDataset`` that the agreement describes.

Invariants: every row is encoded or quarantined; rows leave in the order of their handles, which says nothing of the
order in the export; nothing is returned that the release gate did not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match import __version__
from secure_match.agreement import Agreement, Dataset, dataset_fields, dataset_passes, id_token_field
from secure_match.department import _labels
from secure_match.department._batches import read_ahead
from secure_match.department.codes import encode_column
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey, derive_key, derive_key_id
from secure_match.department.normalise import (
    ColumnFacts,
    NormalisedField,
    NormaliseTally,
    normalise_fields,
    survey_columns,
)
from secure_match.department.normalise._cleaning import clean_text
from secure_match.department.normalise._field import BoolArray
from secure_match.department.passes import PassKeys, encode_passes, pass_column, view_of
from secure_match.department.quarantine import Quarantine
from secure_match.department.readers import ROW_NUMBER, RefusedRows
from secure_match.department.release import verify_release
from secure_match.department.secret_access import reveal
from secure_match.department.small_cells import CellRule, cell_columns
from secure_match.department.supplement import ChangedRows, SentRows, sent_rows
from secure_match.department.tokens import TokenSource, token_maker
from secure_match.encoded import (
    CodedColumn,
    DatasetManifest,
    EncodedDataset,
    RowCounts,
    dataset_schema,
    matrix_from_binary,
)
from secure_match.encoded.handle_order import sorted_by_handle
from secure_match.encoded.phases import first_phase
from secure_match.encoded.supplements import verify_supplement
from secure_match.errors import AgreementError, KeyFileError
from secure_match.exchange.opaque import Guarded
from secure_match.kernels._seen import SeenKeys

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingResult:
    """What became of an export.

    Attributes:
        dataset: what may leave, at once or, of a release in two phases, its passes when they are asked for.
        quarantine: refused rows: ``row_number``, ``column``, ``code``.
        states: identity field to the number of rows in each state, over all rows read.
        reasons: identity field to reason code (see ``normalise.REASONS``) to number of rows.
        flags: identity field to flag to number of rows.
        already_sent: rows that were passed over because the package that is completed holds them.
        given_up: coded column to the number of its cells that rows of small cells gave up.
        others: the rows that were sent before, of a supplement: with them its cells are counted.
    """

    dataset: EncodedDataset
    quarantine: pa.Table
    states: dict[str, dict[str, int]]
    reasons: dict[str, dict[str, int]]
    flags: dict[str, dict[str, int]]
    already_sent: int = 0
    given_up: dict[str, int] = field(default_factory=dict)
    others: pa.Table | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class _Keyed:
    """Rows of a batch with their handles; which lack a row key; which repeat that of an earlier row."""

    batch: pa.RecordBatch
    handles: pa.Array
    no_key: BoolArray
    repeated: BoolArray

    def filter(self, rows: BoolArray) -> _Keyed:
        """Some of the rows, in their order."""
        mask = pa.array(rows)
        return _Keyed(
            batch=self.batch.filter(mask),
            handles=self.handles.filter(mask),
            no_key=self.no_key[rows],
            repeated=self.repeated[rows],
        )


def required_columns(dataset: Dataset) -> tuple[str, ...]:
    """Export headers that a dataset needs: row key, identity fields, coded columns."""
    coded = (column.column for column in dataset.columns if column.column is not None)
    return tuple(dict.fromkeys((dataset.row_key, *dataset.identity.values(), *coded)))


def require_dataset(agreement: Agreement, dataset_id: str) -> Dataset:
    """The dataset of that id.

    Raises:
        AgreementError: ``DATASET_UNKNOWN``.
    """
    dataset = agreement.dataset(dataset_id)
    if dataset is None:
        known = ", ".join(item.id for item in agreement.datasets)
        raise AgreementError(f"the agreement has no dataset {dataset_id}; datasets: {known}", code="DATASET_UNKNOWN")
    return dataset


def verify_key(agreement: Agreement, dataset: Dataset, key: DepartmentKey) -> None:
    """Check that a key belongs to the dataset's owner, this agreement and epoch; a ceremony's key: to this text of it.

    Raises:
        KeyFileError: ``KEY_PARTY``, ``KEY_AGREEMENT`` or ``KEY_EPOCH``.
    """
    if key.agreement_id != agreement.id:
        raise KeyFileError("the key was made for another agreement", code="KEY_AGREEMENT")
    if key.party != dataset.owner:
        raise KeyFileError(
            f"the key belongs to {key.party}; dataset {dataset.id} is owned by {dataset.owner}",
            code="KEY_PARTY",
        )
    if key.key_epoch != agreement.key_epoch:
        raise KeyFileError(f"the key is not of the agreement's epoch {agreement.key_epoch}", code="KEY_EPOCH")
    if agreement.sealed and not key.agreement_fingerprint:
        raise KeyFileError(
            "this is a key for trial agreements; this agreement needs one of its ceremony: secure-match keys derive",
            code="KEY_AGREEMENT",
        )
    if key.agreement_fingerprint and key.agreement_fingerprint != agreement.fingerprint:
        raise KeyFileError(
            "the key was made under another text of this agreement; compare fingerprints, then contribute and derive "
            "again",
            code="KEY_AGREEMENT",
        )


class DatasetEncoder(Guarded):
    """Encodes exports of one dataset under an agreement.

    Args:
        agreement: what may leave, and in which form.
        dataset_id: which of its datasets.
        key: the owner's key.
        tokens: the owner's answers of the key holders, or what stands in for them; needed
            under ``oprf`` where the dataset has ID tokens.

    Raises:
        AgreementError: ``DATASET_UNKNOWN``.
        KeyFileError: ``KEY_PARTY``, ``KEY_AGREEMENT``, ``KEY_EPOCH``.
        UsageError: ``TOKENS_NEEDED``, ``TOKENS_UNUSED``.
    """

    def __init__(
        self, agreement: Agreement, dataset_id: str, key: DepartmentKey, *, tokens: TokenSource | None = None
    ) -> None:
        self.agreement = agreement
        self.dataset = require_dataset(agreement, dataset_id)
        verify_key(agreement, self.dataset, key)
        self.columns = required_columns(self.dataset)
        secret = reveal(key, "encoding")
        scope = (agreement.fingerprint, agreement.key_epoch)
        hash_key = derive_key(secret, self._token_purpose, *scope)
        self._tokens = token_maker(agreement, self.dataset, key, hash_key, tokens)
        self._passes = [
            (
                item,
                PassKeys.derive(secret, *scope, item.id).with_noise(
                    reveal(key, "handle"), *scope, self.dataset.id, item.id
                ),
            )
            for item in dataset_passes(agreement, self.dataset)
        ]
        self._handles = HandleMaker(key, agreement.id, self.dataset.id)
        self._key_id = derive_key_id(secret, _labels.ENCODING, agreement.id, agreement.key_epoch)

    def survey(
        self, batches: Iterable[pa.RecordBatch], *, numeric_columns: Mapping[str, float] | None = None
    ) -> ColumnFacts:
        """Look at whole columns before they are encoded: was the ID column damaged, which phones are shared?

        Args:
            batches: those of :meth:`encode`; of their columns only some are looked at.
            numeric_columns: see ``readers.Export``.
        """
        return survey_columns(self.agreement, self.dataset.identity, batches, numeric_columns=numeric_columns)

    def sent_rows(self, packages: Sequence[tuple[EncodedDataset, str]]) -> SentRows:
        """The rows of earlier packages of this dataset, for a supplement.

        Args:
            packages: datasets with their package digests: the one that is completed, and earlier supplements to it.

        Raises:
            PackageError: ``SUPPLEMENT_BASE`` where they were made of another dataset, or with other keys; and as
                :func:`supplement.sent_rows` does.
        """
        sent = sent_rows(packages, cell_columns(self.agreement, self.dataset))
        own = self._manifest(RowCounts(read=0, encoded=0, quarantined=0), sent.base_digest)
        if self.agreement.release.two_phase:
            own = own.model_copy(update={"phase": 1, "passes": ()})
        verify_supplement(sent.base, sent.base_digest, own)
        return sent

    def encode(
        self,
        batches: Iterable[pa.RecordBatch],
        *,
        facts: ColumnFacts | None = None,
        refused: RefusedRows | None = None,
        sent: SentRows | None = None,
        progress: Progress | None = None,
    ) -> EncodingResult:
        """Encode an export.

        Args:
            batches: the columns :attr:`columns` as strings and ``row_number`` as int64.
            facts: of :meth:`survey` over the same export; without them every batch is judged by itself.
            refused: where the reader of ``batches`` puts rows that it cannot give; they count as read and quarantined.
            sent: rows that the bureau has already: the result is a supplement of the others, which alone are counted.
                They are encoded too, to see that they are what was sent.
            progress: called with the number of rows of each batch that is done.

        Raises:
            ReleaseError: when something would leave that the agreement does not list; ``TOKENS_MISSING``;
                ``SUPPLEMENT_ROWS``; ``SUPPLEMENT_CHANGED`` where a row has the key of a sent row and is not encoded as
                that was.
        """
        quarantine = Quarantine()
        schema = dataset_schema(self._manifest(RowCounts(read=0, encoded=0, quarantined=0)))
        tables: list[pa.Table] = []
        tally = NormaliseTally(self._state_fields)
        seen = SeenKeys()
        changed = ChangedRows(sent) if sent is not None else None
        cells = CellRule(self.agreement, self.dataset)
        self._tokens.begin()
        read = already_sent = 0
        for batch in read_ahead(batches):
            keyed = self._keyed(batch, seen)
            if sent is not None and changed is not None:
                known = sent.which(keyed.handles) & ~keyed.repeated & ~keyed.no_key
                self._compare(keyed.filter(known), schema, changed, facts=facts)
                keyed = keyed.filter(~known)
            tables.append(self._encode_batch(keyed, schema, quarantine, tally=tally, facts=facts, cells=cells))
            read += keyed.batch.num_rows
            already_sent += batch.num_rows - keyed.batch.num_rows
            if progress is not None:
                progress(batch.num_rows)
        self._tokens.verify_complete()
        if refused is not None:
            read += quarantine.take(refused)
        others = sent.table if sent is not None else None
        table, given_up = cells.apply(sorted_by_handle(tables, schema), others, quarantine)
        counts = RowCounts(read=read, encoded=table.num_rows, quarantined=read - table.num_rows)
        if sent is not None and changed is not None:
            changed.verify_none()
            sent.verify_room(table.num_rows)
        base = sent.base_digest if sent is not None else None
        dataset = EncodedDataset(manifest=self._manifest(counts, base), table=table)
        leaving = first_phase(dataset) if self.agreement.release.two_phase else dataset
        verify_release(self.agreement, self.dataset, leaving, others=others)
        return EncodingResult(
            dataset=dataset,
            quarantine=quarantine.table(),
            states=tally.states,
            reasons=tally.reasons,
            flags=tally.flags,
            already_sent=already_sent,
            given_up=given_up,
            others=others,
        )

    @property
    def _token_purpose(self) -> str:
        """An identifier's token never equals an ID number's, although the same characters may be both."""
        name = id_token_field(self.agreement, self.dataset)
        of_identifier = name is not None and self.agreement.fields[name].kind == "identifier"
        return _labels.IDENTIFIER_TOKEN if of_identifier else _labels.ID_TOKEN

    @property
    def _state_fields(self) -> tuple[str, ...]:
        return dataset_fields(self.agreement, self.dataset)

    def _manifest(self, counts: RowCounts, supplement_to: str | None = None) -> DatasetManifest:
        return DatasetManifest(
            definition="agreement",
            definition_id=self.agreement.id,
            definition_fingerprint=self.agreement.fingerprint,
            dataset=self.dataset.id,
            owner=self.dataset.owner,
            key_epoch=self.agreement.key_epoch,
            key_id=self._key_id,
            handle_key_id=self._handles.key_id,
            counts=counts,
            id_tokens=id_token_field(self.agreement, self.dataset) is not None,
            state_fields=self._state_fields,
            passes=tuple(pass_column(item) for item, _ in self._passes),
            coded=tuple(CodedColumn(name=column.name, type=column.type) for column in self.dataset.columns),
            tool=f"secure_match {__version__}",
            supplement_to=supplement_to,
        )

    def _keyed(self, batch: pa.RecordBatch, seen: SeenKeys) -> _Keyed:
        """The rows of a batch with their handles; a row that repeats an earlier key is one."""
        handles, no_key, repeated = self._handles.make(clean_text(batch[self.dataset.row_key]), seen)
        return _Keyed(batch=batch, handles=handles, no_key=no_key, repeated=repeated)

    def _compare(self, keyed: _Keyed, schema: pa.Schema, changed: ChangedRows, *, facts: ColumnFacts | None) -> None:
        """Encode rows that were sent before, only to see whether they are the same."""
        tally = NormaliseTally(self._state_fields)
        encoded = self._encode_batch(keyed, schema, Quarantine(), tally=tally, facts=facts)
        changed.add(keyed.batch[ROW_NUMBER].to_numpy(), keyed.handles, encoded)

    def _encode_batch(
        self,
        keyed: _Keyed,
        schema: pa.Schema,
        quarantine: Quarantine,
        *,
        tally: NormaliseTally,
        facts: ColumnFacts | None,
        cells: CellRule | None = None,
    ) -> pa.Table:
        batch = keyed.batch
        numbers = batch[ROW_NUMBER].to_numpy()
        raw = {name: batch[header] for name, header in self.dataset.identity.items()}
        fields = normalise_fields(self.agreement, raw, batch.num_rows, facts=facts)
        tally.add(fields)

        usable = np.ones(batch.num_rows, dtype=np.bool_)
        header = self.dataset.row_key
        usable = quarantine.refuse(numbers, usable, keyed.no_key, column=header, code="ROW_KEY_MISSING")
        usable = quarantine.refuse(numbers, usable, keyed.repeated, column=header, code="ROW_KEY_DUPLICATE")

        tokens, passes = self._identity_columns(fields, keyed.handles)
        identified = np.logical_or.reduce([_filled(column) for column in (*tokens, *passes)])
        usable = quarantine.refuse(numbers, usable, ~identified, column="", code="NO_IDENTITY")

        coded_columns: list[pa.Array] = []
        for column in self.dataset.columns:
            source = batch[column.column] if column.column is not None else view_of(fields, str(column.derive))
            coded = encode_column(
                column, source, self.agreement.valid_months, self.agreement.code_maps.get(str(column.code_map))
            )
            fault = column.column or self.dataset.identity.get(str(column.derive).split(".", maxsplit=1)[0], "")
            usable = quarantine.refuse(numbers, usable, coded.refused, column=fault, code=coded.code)
            coded_columns.append(coded.values)
        field_states = [pa.array(fields[name].states) for name in self._state_fields]
        columns = [keyed.handles, *tokens, *field_states, *passes, *coded_columns]
        table = pa.table(columns, schema=schema)
        if cells is not None:
            cells.add(numbers[usable], keyed.handles.filter(pa.array(usable)))
        return table if usable.all() else table.filter(pa.array(usable))

    def _identity_columns(
        self, fields: dict[str, NormalisedField], handles: pa.Array
    ) -> tuple[list[pa.Array], list[pa.Array]]:
        """The ID token column, if the dataset has one, and the columns of all passes in order."""
        name = id_token_field(self.agreement, self.dataset)
        tokens = [self._tokens.make(fields[name])] if name is not None else []
        passes: list[pa.Array] = []
        for tags, encodings in encode_passes(self._passes, fields, handles=matrix_from_binary(handles)[0]):
            passes += [encodings] if tags is None else [tags, encodings]
        return tokens, passes


def _filled(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
