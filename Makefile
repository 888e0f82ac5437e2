# Every target sets up what it needs in a virtual environment of this clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= agreement linkage_schema package exchanged sealed_package key_file identity_file public_file contribution audit_log
# The same as the dependency group "fuzz" of pyproject.toml.
ATHERIS := atheris>=3
DEMO_ARGS ?= --people 20000 --seed 7 --out demo-out

.PHONY: demo dev test check bench fuzz lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime  ## Run every role on a synthetic city.
	$(BIN)/secure-match demo $(DEMO_ARGS)

dev: $(VENV)/.dev  ## Set up what tests, examples and benchmarks need.

test: $(VENV)/.dev  ## Run the whole suite.
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev  ## Style, types, import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev  ## Measure; every script has --help.
	$(BIN)/python benchmarks/seal.py --national
	$(BIN)/python benchmarks/exhaustive_dice.py
	$(BIN)/python benchmarks/index.py
	$(BIN)/python benchmarks/encode.py
	$(BIN)/python benchmarks/normalise.py
	$(BIN)/python benchmarks/encode.py --alone 1000000
	$(BIN)/python benchmarks/encode_station.py
	$(BIN)/python benchmarks/encoders.py
	$(BIN)/python benchmarks/city_quality.py
	$(BIN)/python benchmarks/inspect_export.py
	$(BIN)/python benchmarks/damaged_file.py --seeds 101
	$(BIN)/python benchmarks/default_passes.py
	$(BIN)/python benchmarks/blind_tokens.py
	$(BIN)/python benchmarks/stations.py
	$(BIN)/python benchmarks/attacks.py
	$(BIN)/python benchmarks/audit_log.py
	$(BIN)/python benchmarks/canary_run.py
	$(BIN)/python benchmarks/oprf.py
	$(BIN)/python benchmarks/link_city.py
	$(BIN)/python benchmarks/city_growth.py
	$(BIN)/python benchmarks/quality/twins.py --seeds 101
	$(BIN)/python benchmarks/quality/clusters.py
	$(BIN)/python benchmarks/quality/table.py --people 5000

fuzz: $(VENV)/.dev  ## Fuzz every reader for FUZZ_SECONDS each (Atheris: Linux, or macOS with LLVM's clang).
	$(PIP) "$(ATHERIS)"
	for target in $(FUZZ_TARGETS); do \
		$(BIN)/python tests/fuzz/run_atheris.py $$target --seconds $(FUZZ_SECONDS) || exit 1; \
	done

lock: $(VENV)/.dev  ## Renew the locked versions after a change of pyproject.toml.
	$(PIP) uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --upgrade \
		--custom-compile-command "make lock" --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" --group build -c requirements/dev.txt pyproject.toml \
		-o requirements/runtime.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --upgrade \
		--custom-compile-command "make lock" --group quality -o requirements/quality.txt

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("secure_match needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements/dev.txt requirements/oracle.txt $(VENV)/.runtime
	$(PIP) -r requirements/dev.txt
	$(PIP) --no-deps -r requirements/oracle.txt
	touch $@

clean:  ## Remove the environment and all caches.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-out
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
