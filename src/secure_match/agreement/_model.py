"""PUBLIC: the agreement as strict, frozen models. What is not written here cannot leave a department."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final, Literal

from pydantic import Field

from secure_match.agreement._encoders import (
    DEFAULT_MAJORITIES,
    EncoderName,
    Hardening,
    Majorities,
    hardened_bits,
)
from secure_match.agreement._kinds import FieldKind
from secure_match.agreement._number_findings import NumberFindings
from secure_match.agreement._release import Release, without_unsaid
from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.agreement.tables import tables_digest

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[VisibleText, Field(min_length=1)]
Month = Annotated[int, Field(ge=190001, le=299912)]
QuotaRows = Annotated[int, Field(ge=1, le=2_000_000_000)]
Threshold = Annotated[float, Field(gt=0.0, le=1.0)]
_FINGERPRINT_LABEL: Final = b"secure_match/agreement/v1\n"


class ValidMonths(StrictModel):
    """First and last month (YYYYMM) that the agreement covers; spells are cut to them before they leave."""

    first: Month
    last: Month


class IdTokenProtocol(StrictModel):
    """How ID tokens are made.

    ``oprf``: blinded evaluation by one or two key holders, who see no number and answer no more than was agreed.
    ``hmac``: a keyed hash under the departments' shared key. Whoever holds that key can try all ID numbers of a
    county in seconds, so the agreement must say that this is accepted.

    Attributes:
        quota_rows: department to the rows of its datasets with tokens; the key holder answers 1.05 times as many
            elements a month. ``oprf`` needs it of each department that owns such a dataset.
    """

    protocol: Literal["oprf", "hmac"] = "oprf"
    accept_offline_guessing: bool = False
    quota_rows: dict[Identifier, QuotaRows] = Field(default_factory=dict)

    def allowed_elements(self, department: str) -> int:
        """Elements that a key holder answers a department in a month, rounded down; 0 where no rows are stated."""
        return self.quota_rows.get(department, 0) * 105 // 100


class Party(StrictModel):
    """A party to the agreement.

    Attributes:
        public_keys: purpose (``transport``, ``signing``, ``approval``; ``oprf`` of a key holder) to public key; if
            any party has one of the first three, all departments and the bureau have.
    """

    id: Identifier
    role: Literal["department", "keyholder", "bureau", "reviewer"]
    name: Text
    public_keys: dict[Identifier, VisibleText] = Field(default_factory=dict)


class IdentityField(StrictModel):
    """A field that identifies a person.

    Attributes:
        normalisation: version of the rules that clean it.
        divisions: for an ``address``: names of divisions and towns that are removed from its beginning.
        code_map: for a ``division``: id of the site map from old codes to new ones.
    """

    kind: FieldKind
    normalisation: Literal[2] = 2
    divisions: tuple[Text, ...] = ()
    code_map: Identifier | None = None


class CodedColumn(StrictModel):
    """A column that leaves as codes. Exactly one of ``column`` (an export header) and ``derive`` is its source.

    Attributes:
        type: ``code`` (one of ``codes``), ``month`` (YYYYMM, cut to the valid months) or ``integer`` (in ``range``).
        derive: a view of an identity field instead of a header, e.g. ``birth_date.year``.
        bands: lower bounds in rising order; a value leaves as the bound of its band.
        code_map: id of a site map; old codes are replaced by new ones before they are held against ``codes``.
        rare: what a value becomes whose row stands in a small cell: one of ``codes``, or ``"neighbour"`` of bands.
            Without it the cell is emptied.
    """

    name: Identifier
    type: Literal["code", "month", "integer"]
    column: Text | None = None
    derive: VisibleText | None = None
    codes: tuple[Text, ...] | None = None
    range: tuple[int, int] | None = None
    bands: tuple[int, ...] | None = None
    code_map: Identifier | None = None
    required: bool = False
    rare: VisibleText | None = None


class Spell(StrictModel):
    """Names of the ``month`` columns that bound a row's months; an empty last month means still open."""

    first_month: Identifier
    last_month: Identifier


class Dataset(StrictModel):
    """A dataset of one department: which headers hold what, and which columns leave.

    Attributes:
        row_key: header of the department's own unique row key; only a keyed handle of it leaves.
        scheme: code of the insurance scheme (AAE140) that its rows are enrolments in.
        identity: identity field to export header.
        cells: names of coded columns whose joint values no fewer than ``release.smallest_cell`` rows may share. Where
            fewer do, the columns are given up from the last to the first.
    """

    id: Identifier
    owner: Identifier
    kind: Literal["population", "enrolment", "benefit", "subsidy", "reference"]
    title: Text
    one_record_per_person: bool = False
    scheme: Annotated[str, Field(pattern=r"^[0-9]{3}$")] | None = None
    row_key: Text
    identity: dict[Identifier, Text]
    columns: tuple[CodedColumn, ...] = ()
    spell: Spell | None = None
    cells: tuple[Identifier, ...] = ()


class PassField(StrictModel):
    """One field, or a view of one, inside a pass.

    Attributes:
        qgram_sizes: lengths of the character q-grams that become tokens.
        positional: whether a token carries its place (right for digits, wrong for names).
        insertions: how many hash positions the whole field sets, shared out among its tokens.
        shared: whether tokens are hashed under the pass and not under the field, so that equal q-grams of all shared
            fields of the pass set equal bits: a value in the other column still agrees.
    """

    field: VisibleText
    qgram_sizes: Annotated[tuple[Annotated[int, Field(ge=1, le=4)], ...], Field(min_length=1)]
    positional: bool = False
    insertions: Annotated[int, Field(ge=1, le=4096)]
    shared: bool = False


class Pass(StrictModel):
    """One encoding of a record. Two records meet in it only where their block values are equal.

    Attributes:
        block_on: fields or views whose joint value keys the encoding; empty gives one global CLK.
        encoder: ``clk`` sets bits at random places per token; ``majority_xor`` makes each bit of votes of all tokens.
        majorities: votes behind each bit of ``majority_xor``; more hide more and tell similar values less well apart.
        hardening: what is done to the finished encoding.
        construction: version of how tags and encodings are made; part of the fingerprint, so that encodings of two
            constructions cannot meet.
        bits: length of an encoding before it is hardened; :attr:`encoded_bits` is what leaves.
        link_threshold: replaces the general one in this pass; likewise ``review_threshold``. Where decisions are
            calibrated there is no link threshold, and the review threshold is where the pass begins to propose pairs.
        review_only: the pass proposes possible links and never makes a link by itself.
    """

    id: Identifier
    block_on: tuple[VisibleText, ...] = ()
    fields: Annotated[tuple[PassField, ...], Field(min_length=1)]
    encoder: EncoderName = "clk"
    majorities: Majorities | None = None
    hardening: Hardening | None = None
    construction: Literal[2] = 2
    bits: Literal[256, 512, 1024, 2048, 4096] = 1024
    link_threshold: Threshold | None = None
    review_threshold: Threshold | None = None
    review_only: bool = False

    @property
    def encoded_bits(self) -> int:
        """Length of an encoding as it leaves."""
        return hardened_bits(self.bits, self.hardening)

    @property
    def num_majorities(self) -> int:
        """Votes behind each bit of ``majority_xor``."""
        return self.majorities or DEFAULT_MAJORITIES


class Calibration(StrictModel):
    """What is asked of decisions that the evidence model makes; nobody has to pick a similarity.

    Attributes:
        precision: smallest expected precision of the links of a run. Of the thresholds that reach it, and link no pair
            that is rather false than true, the one with most links is taken.
        review: smallest probability at which a pair that is not linked is worth a clerk's look.
    """

    precision: Annotated[float, Field(ge=0.5, lt=1.0)]
    review: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.005


class Thresholds(StrictModel):
    """What decides a pair: a calibration, or Dice similarities by what the ID tokens say.

    ``candidates`` is the similarity from which a pass proposes a pair when decisions are calibrated. ``link`` and
    ``review`` hold where at least one ID token is missing; the others where both rows have a valid ID number and the
    numbers differ, which is strong evidence of two people. Either ``calibrate`` (and ``candidates``) or the four
    similarities are given.
    """

    calibrate: Calibration | None = None
    candidates: Threshold = 0.5
    link: Threshold | None = None
    review: Threshold | None = None
    different_ids_link: Threshold | None = None
    different_ids_review: Threshold | None = None


class Limits(StrictModel):
    """Bounds that stop a run or a release.

    Attributes:
        max_fuzzy_share: largest share of a dataset's rows whose fuzzy encodings may leave.
        free_fuzzy_rows: rows whose encodings may leave whatever share they are: few rows are a large share of a small
            dataset.
        max_attack_rate: largest share of people that an attack may name in a rehearsal of the release; 1 asks for no
            rehearsal.
        attack_pairs: rows of which the adversary of that rehearsal knows whose they are.
        max_block_rows: rows above which a block is not compared, but reported.
        max_rows_per_person: rows above which an ID token (a placeholder number, say) counts as none, and a person's
            rows are not paired for duplicates; both are reported.
    """

    max_fuzzy_share: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    free_fuzzy_rows: Annotated[int, Field(ge=0, le=100_000)] = 0
    max_attack_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    attack_pairs: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_block_rows: Annotated[int, Field(ge=2, le=1_000_000)] = 5000
    max_rows_per_person: Annotated[int, Field(ge=2, le=10_000)] = 50


class ExclusionGroup(StrictModel):
    """Schemes of which a person may be in one only in any month; ``same_scheme`` covers two rows of one scheme."""

    id: Identifier
    title: Text
    schemes: Annotated[tuple[VisibleText, ...], Field(min_length=1)]
    same_scheme: bool = True


class CoverageRule(StrictModel):
    """Who of a population dataset has to be in one of ``schemes``.

    Attributes:
        eligible: coded column of the population to the values that make a row eligible; all must hold.
        excused_by: datasets whose people need not be enrolled (students, say).
    """

    id: Identifier
    title: Text
    population: Identifier
    schemes: Annotated[tuple[VisibleText, ...], Field(min_length=1)]
    eligible: dict[Identifier, tuple[VisibleText | int, ...]] = Field(default_factory=dict)
    excused_by: tuple[Identifier, ...] = ()


class Agreement(StrictModel):
    """Everything that the parties agreed on. Use ``parse_agreement`` or ``read_agreement`` to make one."""

    format: Literal[1]
    id: Identifier
    title: Text
    purpose: Text
    legal_basis: Text
    valid_months: ValidMonths
    retention_months: Annotated[int, Field(ge=1, le=600)]
    key_epoch: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    id_token: IdTokenProtocol = IdTokenProtocol()
    parties: Annotated[tuple[Party, ...], Field(min_length=2)]
    fields: Annotated[dict[Identifier, IdentityField], Field(min_length=1)]
    code_maps: dict[Identifier, dict[Text, Text]] = Field(default_factory=dict)
    datasets: Annotated[tuple[Dataset, ...], Field(min_length=1)]
    passes: tuple[Pass, ...]
    thresholds: Thresholds
    compare_columns: tuple[Identifier, ...] = ()
    limits: Limits = Limits()
    exclusions: tuple[ExclusionGroup, ...] = ()
    coverage: tuple[CoverageRule, ...] = ()
    number_findings: NumberFindings = NumberFindings()
    release: Release = Release()

    @property
    def canonical_bytes(self) -> bytes:
        """The bytes that the fingerprint is taken over: sorted compact JSON and the digest of the tables.

        White space, comments and the order of keys in the TOML file do not change them; everything else does. Number
        findings, release rules, small cells and quotas that are the defaults are left out, so that an agreement from
        before them keeps its fingerprint.
        """
        unsaid = {"number_findings"} if self.number_findings == NumberFindings() else set()
        content = without_unsaid(self.model_dump(mode="json", exclude=unsaid))
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return _FINGERPRINT_LABEL + text.encode() + b"\n" + tables_digest().encode()

    @property
    def fingerprint(self) -> str:
        """Lower-case hex SHA-256 of :attr:`canonical_bytes`; bound into every package."""
        return hashlib.sha256(self.canonical_bytes).hexdigest()

    @property
    def sealed(self) -> bool:
        """Whether packages under this agreement are sealed and signed: it names the parties' public keys.

        Otherwise it is a trial agreement, whose packages are plain. A key holder's ``oprf`` key seals nothing.
        """
        return any(set(party.public_keys) - {"oprf"} for party in self.parties)

    @property
    def key_holders(self) -> tuple[Party, ...]:
        """The parties that evaluate blinded ID numbers, in the order of the agreement."""
        return tuple(party for party in self.parties if party.role == "keyholder")

    def dataset(self, dataset_id: str) -> Dataset | None:
        """The dataset of that id, or None."""
        return next((dataset for dataset in self.datasets if dataset.id == dataset_id), None)

    def party(self, party_id: str) -> Party | None:
        """The party of that id, or None."""
        return next((party for party in self.parties if party.id == party_id), None)

    def thresholds_of(self, item: Pass) -> tuple[float, float]:
        """Link and review threshold that hold in a pass: its own, or the general ones.

        Where decisions are calibrated no similarity makes a link: the first is above 1, the second is where the pass
        begins to propose pairs.
        """
        limits = self.thresholds
        if limits.calibrate is not None or limits.link is None or limits.review is None:
            return 2.0, item.review_threshold if item.review_threshold is not None else limits.candidates
        link = item.link_threshold if item.link_threshold is not None else limits.link
        review = item.review_threshold if item.review_threshold is not None else limits.review
        return link, review

    def datasets_of_schemes(self, schemes: tuple[str, ...]) -> tuple[Dataset, ...]:
        """Datasets whose scheme is one of ``schemes``, in the order of the agreement."""
        return tuple(dataset for dataset in self.datasets if dataset.scheme in schemes)


def split_view(reference: str) -> tuple[str, str]:
    """``"name.surname"`` as ``("name", "surname")``; a whole field has the view ``""``."""
    field, _, view = reference.partition(".")
    return field, view
