"""Every module imports alone, and each package exports exactly the names it promises."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

import pytest

from architecture.source_tree import module_names, trees
from integration.road import python

EXPORTS: Final = {
    "secure_match": ["__version__"],
    "secure_match.agreement": [
        "NEIGHBOUR",
        "NUMBER_FINDING_KINDS",
        "TOKEN_KINDS",
        "Agreement",
        "Blip",
        "Calibration",
        "CodedColumn",
        "CoverageRule",
        "Dataset",
        "ExclusionGroup",
        "Hardening",
        "IdentityField",
        "LeavingColumn",
        "LinkageSchema",
        "NumberFindingKind",
        "NumberFindings",
        "Pass",
        "PassField",
        "Release",
        "ValidMonths",
        "city_template",
        "dataset_fields",
        "dataset_passes",
        "id_token_field",
        "leaving_columns",
        "parse_agreement",
        "split_view",
        "template_text",
        "trusted_template",
    ],
    "secure_match.agreement.tables": [
        "APOSTROPHES",
        "CODE_POINTS",
        "COMPOUND_READINGS",
        "COMPOUND_SURNAMES",
        "FORMER_NAME_WORDS",
        "LATIN_FOLDS",
        "LATIN_TITLES",
        "LOST_CHARACTERS",
        "MISSING_WORDS",
        "NAME_SEPARATORS",
        "SEX_CODES",
        "SEX_MISSING",
        "SHAPE_KEYS",
        "SURNAME_READINGS",
        "TITLES",
        "UNKNOWN_CHARACTER",
        "fold_dialect",
        "private_use_table",
        "reading_table",
        "syllables",
        "tables_digest",
        "variant_table",
    ],
    "secure_match.audit": [
        "CHECKPOINT_LABEL",
        "Action",
        "Artifact",
        "CrossCheck",
        "Entry",
        "Event",
        "LogFacts",
        "LogHead",
        "Operator",
        "PackageKind",
        "PackageRef",
        "Transfer",
        "cross_check",
        "file_name",
        "make_artifact",
        "verify_log",
        "verify_operator",
    ],
    "secure_match.bureau": ["BureauRun", "run_bureau"],
    "secure_match.cli": ["main"],
    "secure_match.compat": [
        "AnonlinkPairs",
        "dice_similarity",
        "parse_candidate_pairs",
        "read_candidate_pairs",
        "serialise_candidate_pairs",
        "write_candidate_pairs",
    ],
    "secure_match.department": ["DepartmentKey", "Encoder", "EncodingKey"],
    "secure_match.department.normalise": [
        "REASONS",
        "ColumnFacts",
        "ColumnSurvey",
        "NormaliseTally",
        "NormalisedField",
        "normalise_fields",
        "survey_columns",
        "surveyed_headers",
        "view_values",
    ],
    "secure_match.department.readers": [
        "ROW_NUMBER",
        "CsvExport",
        "Export",
        "HeldExport",
        "Ragged",
        "ReadOptions",
        "RefusedRows",
        "open_export",
    ],
    "secure_match.encoded": [
        "CodedColumn",
        "DatasetManifest",
        "EncodedDataset",
        "FieldState",
        "PassColumn",
        "RowCounts",
        "binary_from_matrix",
        "dataset_schema",
        "matrix_from_binary",
    ],
    "secure_match.enrolment": [
        "ANSWER_NOTES",
        "ANSWER_SCHEMA",
        "FINDINGS_NOTES",
        "FINDINGS_SCHEMA",
        "LOOK_VERDICTS",
        "REQUEST_NOTES",
        "REQUEST_SCHEMA",
        "Duplicates",
        "FindingSource",
        "FindingsManifest",
        "FindingsPackage",
        "LookAnswer",
        "LookAnswerManifest",
        "LookRequest",
        "LookRequestManifest",
        "LookSource",
        "LookVerdict",
        "Missing",
        "NumberConflicts",
        "PersonRows",
        "RuleTitle",
        "find_duplicates",
        "find_missing",
        "find_number_conflicts",
    ],
    "secure_match.exchange": [
        "Desk",
        "Identity",
        "Outgoing",
        "PublicIdentity",
        "SealedManifest",
        "SealedPackage",
        "open_package_to",
        "read_sealed",
        "verify_package",
    ],
    "secure_match.kernels": [
        "ActiveKernel",
        "EXHAUSTIVE_COST",
        "BlockedResult",
        "IndexPlan",
        "IndexedResult",
        "Measure",
        "SignedLimits",
        "active",
        "all_pairs",
        "balanced_edges",
        "blocked_dice",
        "dice_pairs",
        "gather_rows",
        "grouped_dice",
        "indexed_dice",
        "iter_pairs",
        "jit",
        "listed_dice",
        "listed_in_blocks",
        "pack_words",
        "plan_index",
        "signed_clusters",
    ],
    "secure_match.linkage": [
        "TOKENS",
        "AskedKind",
        "BlockedPairs",
        "CandidatePairs",
        "ClusterResult",
        "Comparison",
        "ComparisonKind",
        "Decision",
        "Estimate",
        "Evidence",
        "EvidenceModel",
        "Expectation",
        "LinkHooks",
        "LinkResult",
        "MemoryPlan",
        "PairLabels",
        "PassReport",
        "RecallAudit",
        "RowOrder",
        "RowTable",
        "SearchReport",
        "Step",
        "StepStore",
        "TokenState",
        "VerifiedDatasets",
        "block_tags",
        "blocked_pairs",
        "cluster",
        "iter_similar_pairs",
        "link",
        "pair_similarity",
        "plan_memory",
        "similar_pairs",
        "size_text",
        "unmatched_rows",
        "verified_datasets",
        "verify_linkable",
        "verify_part",
    ],
    "secure_match.linkage.quality": [
        "CalibrationCurve",
        "CandidateQuality",
        "CauseCount",
        "ClusterQuality",
        "DecisionCount",
        "EstimatedQuality",
        "Evaluation",
        "PairEvidence",
        "PairQuality",
        "PairTruth",
        "PersonTruth",
        "ScoreHistogram",
        "Section",
        "ThresholdSweep",
        "calibration_curve",
        "candidate_quality",
        "cluster_quality",
        "connected_rows",
        "estimated_quality",
        "evaluate",
        "evaluation_html",
        "evaluation_json",
        "evaluation_plots",
        "evaluation_sections",
        "pair_quality",
        "report_page",
        "threshold_sweep",
        "true_pair_count",
        "wilson_interval",
        "with_implied_pairs",
    ],
    "secure_match.review": [
        "COLLUSION",
        "DatasetInspection",
        "Difference",
        "Disclosure",
        "Examination",
        "Verdict",
        "difference",
        "disclose",
        "disclosure_json",
        "disclosure_markdown",
        "examine",
        "inspect_dataset",
        "verdict_of",
        "verify_one",
    ],
    "secure_match.exchange.oprf": [
        "ELEMENT_BYTES",
        "OUTPUT_BYTES",
        "PROOF_BYTES",
        "PROOF_ELEMENTS",
        "ByteMatrix",
        "OprfKey",
        "OprfMode",
        "add_elements",
        "add_keys",
        "blind",
        "evaluate",
        "finalise",
        "key_info",
        "prove",
        "scalars_from",
        "verify_proof",
    ],
    "secure_match.review.attacks": ["AttackResult", "PlainColumn", "SeenPass", "draw_known", "interval", "unseen_rows"],
    "secure_match.synthetic": ["DATASETS", "City", "CityConfig", "Truth", "generate_city", "write_exports"],
}
ROOMS_WITHOUT_EXPORTS: Final = ["keyholder", "registry"]

# The libraries are loaded once and every module in a child of its own, so that no module leans on another's imports.
# Python imports a module's packages before it, so a package's modules are children of a process that loaded just these.
_IMPORT_ALONE: Final = """
import importlib, os, sys, traceback
import cryptography.hazmat.primitives.kdf.hkdf, cryptography.x509, numba, numpy
import pyarrow.compute, pyarrow.csv, pyarrow.parquet, pydantic, rich.progress, typer, xlsxwriter
import scipy.optimize, scipy.spatial, scipy.stats
assert not any(name.startswith("secure_match") for name in sys.modules)
names = sorted(sys.argv[1:])

def fails(name):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(sum(fails(item) for item in names if item.rpartition(".")[0] == name) > 0)
    failed = os.waitpid(child, 0)[1] != 0
    if failed:
        os.write(1, f"failed: {name}\\n".encode())
    return failed

tops = [name for name in names if name.rpartition(".")[0] not in names]
print("failed packages:", sum([fails(name) for name in tops]))
"""


def test_every_module_imports_alone(tmp_path: Path) -> None:
    names = module_names()
    assert len(names) > 80
    done = python(_IMPORT_ALONE, *names, cwd=tmp_path)
    assert done.lines == ["failed packages: 0"], done.error


def test_a_module_that_does_not_import_is_noticed(tmp_path: Path) -> None:
    done = python(_IMPORT_ALONE, "secure_match.errors", "secure_match.no_such_module", cwd=tmp_path)
    assert done.lines == ["failed: secure_match.no_such_module", "failed packages: 1"]


@pytest.mark.parametrize("package", EXPORTS)
def test_exported_names_are_pinned(package: str) -> None:
    module = importlib.import_module(package)
    assert sorted(module.__all__) == sorted(EXPORTS[package])
    assert all(hasattr(module, name) for name in module.__all__)


def test_no_package_is_forgotten() -> None:
    packages = {file.removesuffix("/__init__.py") for file in trees() if file.endswith("/__init__.py")}
    pinned = {name.removeprefix("secure_match.").replace(".", "/") for name in EXPORTS} - {"secure_match"}
    assert packages == pinned | set(ROOMS_WITHOUT_EXPORTS)


@pytest.mark.parametrize("room", ROOMS_WITHOUT_EXPORTS)
def test_a_room_without_exports_has_none(room: str) -> None:
    assert not hasattr(importlib.import_module(f"secure_match.{room}"), "__all__")
