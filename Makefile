PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-all fuzz lint docs pictures notebook bench install lock clean

demo: $(VENV)/.installed
	$(BIN)/deepcausalmmm-jax demo --out demo

PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.installed-test
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.installed-test
	$(PYTEST)

fuzz: $(VENV)/.installed-test
	DEEPCAUSALMMM_JAX_FUZZ=5000 $(BIN)/python -m pytest tests/fuzz tests/results/test_damaged_runs.py

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

pictures: $(VENV)/.installed-test
	$(BIN)/python docs/scripts/pictures.py

notebook: $(VENV)/.installed-test
	$(BIN)/python docs/scripts/notebook.py

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/truth.py
	$(BIN)/python benchmarks/fit_speed.py
	$(BIN)/python benchmarks/gru.py
	$(BIN)/python benchmarks/precision.py
	$(BIN)/deepcausalmmm-jax benchmark --out benchmarks/results/suite

install: $(VENV)/.installed-test $(VENV)/.installed-lint $(VENV)/.installed-docs

lock: install
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check > .ci/lock.txt

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) -e '.[test]'
	touch $@

$(VENV)/.installed-lint: $(VENV)/.installed
	$(PIP) -e '.[lint]'
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) demo build/site
