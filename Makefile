# Everything a newcomer, a contributor and CI need. `make help` says what there is.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMMANDS ?= 200000
METHODS ?= 5000
SEED ?=
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: help run test check format documents bench drill lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## Run the whole fleet on a local stack, until Ctrl-C
	@$(BIN)/fleet local

test: $(STAMP) ## Run every test, against real servers of its own
	$(BIN)/pytest

check: $(STAMP) ## Format, lint, types, imports, documents and fast tests, in under a minute
	@$(BIN)/python scripts/check.py

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

documents: $(STAMP) ## Write the documents that are made from the code
	$(BIN)/python -m fleet.documents

bench: $(STAMP) ## Measure beside the rival, in one run: make bench ONLY=sweep
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

drill: $(STAMP) ## Break everything on purpose: make drill COMMANDS=1000000 SEED=7
	$(BIN)/python -m tests.drills --commands $(COMMANDS) $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.drills.paypal --methods $(METHODS) $(if $(SEED),--seed $(SEED))

lock: $(STAMP) ## Lock all dependencies again, with hashes and without addresses
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --all-extras --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header \
		pyproject.toml --output-file requirements.lock

clean: ## Remove what was installed and all local data; stop `make run` first
	rm -rf $(VENV) .local build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name it: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Preparing $(VENV): a virtual environment with the locked wheels (about a minute, once)"
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "This Python has no venv module; on Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/python scripts/install.py
	@touch $@
