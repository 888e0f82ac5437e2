# Every target sets up what it needs in a virtual environment of this clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q
DEMO_ARGS ?= --people 20000 --seed 7 --out demo-out

.PHONY: demo dev test check bench lock clean
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
	$(BIN)/python benchmarks/exhaustive_dice.py
	$(BIN)/python benchmarks/index.py
	$(BIN)/python benchmarks/encode.py
	$(BIN)/python benchmarks/normalise.py
	$(BIN)/python benchmarks/encode.py --alone 1000000
	$(BIN)/python benchmarks/encode_station.py
	$(BIN)/python benchmarks/city_quality.py
	$(BIN)/python benchmarks/inspect_export.py
	$(BIN)/python benchmarks/damaged_file.py --seeds 101
	$(BIN)/python benchmarks/link_city.py
	$(BIN)/python benchmarks/city_growth.py
	$(BIN)/python benchmarks/quality/twins.py --seeds 101
	$(BIN)/python benchmarks/quality/clusters.py
	$(BIN)/python benchmarks/quality/table.py --people 5000

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
