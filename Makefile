# The two commands are `make book` and `make test`; everything here is a thin wrapper of gptrepro and pytest.

PYTHON ?= python3
# An additional package index for pip, such as PyTorch's for CPU builds (see book/reproduce.md).
INDEX ?=
SCALE ?= laptop
WHAT ?=
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -c constraints.txt $(if $(INDEX),--extra-index-url $(INDEX))
# What pip says of versions when it reaches nobody is of no help.
OFFLINE := { $(BIN)/python -m pip --retries 0 --timeout 10 index versions pip >/dev/null 2>&1 \
	|| echo "The package index cannot be reached: check the network, then run make $(MAKECMDGOALS) again" >&2; exit 1; }
WITHOUT := { echo "Without these data, $(BIN)/gptrepro book --stored shows the outputs that the notebooks store" >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help book test run refresh serve bench stress pins clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables: SCALE=smoke|laptop|gpu|paper  WHAT=<experiment or paper>  INDEX=<extra pip index>  PYTHON=<3.11 to 3.14>"

book: $(VENV)/.book ## Execute the notebooks and build the book into _build/html
	@$(BIN)/gptrepro data fetch plays gpt2-vocabulary || $(WITHOUT)
	@$(BIN)/gptrepro book

test: $(VENV)/.test ## Run every check: lint, types, tests, notebooks, the book in a browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

run: $(VENV)/.book ## Run experiments: make run SCALE=laptop [WHAT=gpt1]
	@$(BIN)/gptrepro run $(WHAT) --scale $(SCALE)

refresh: $(VENV)/.book ## Renew the outputs stored in the notebooks: make refresh [WHAT=gpt1/01]
	@$(BIN)/gptrepro data fetch plays gpt2-vocabulary
	@$(BIN)/gptrepro refresh $(WHAT)

serve: book ## Serve the book on http://127.0.0.1:8000 (PORT=...)
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

bench: $(VENV)/.test ## Measure speed beside peers: attention, fine-tuning, generation, tokenizing, training
	@for name in attention fine_tuning generation tokenizing training; do $(BIN)/python -m benchmarks.$$name || exit 1; done

stress: $(VENV)/.test ## Run the slow tests that kill, corrupt and fill things up
	@$(BIN)/python -m pytest tests -m stress

pins: $(VENV)/.book ## Check that constraints.txt resolves on every supported Python and system
	@$(BIN)/python tools/pins.py

clean: ## Remove what was built; the environment and GPTREPRO_HOME stay
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
		|| { echo "$(PYTHON) is not Python 3.11 to 3.14, or is missing: install one of these and name it, as in make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) cannot create environments: on Debian and Ubuntu run apt install python3-venv, then make $(MAKECMDGOALS) again" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.book: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[book]' || $(OFFLINE)
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[book,test]' || $(OFFLINE)
	@touch $@ $(VENV)/.book
