# `make help` tells what there is: every target says it behind ##.

PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes -q --no-header
CATALOGUES := $(wildcard talentbank/translations/*/LC_MESSAGES/messages.po)
COMPILED := $(CATALOGUES:.po=.mo)

.DEFAULT_GOAL := help
.PHONY: help run test lint bench texts format lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

run: $(VENV)/installed $(COMPILED) ## Serve the bank at http://127.0.0.1:8000 (PORT changes it), with the demo in an empty database
	@$(BIN)/flask --app wsgi prepare
	@echo "http://127.0.0.1:$(PORT)"
	@trap 'kill $$jobs 2>/dev/null' EXIT; $(BIN)/flask --app wsgi jobs & jobs=$$!; \
		$(BIN)/gunicorn --bind 127.0.0.1:$(PORT) --workers $(WORKERS) --log-level warning wsgi:app

test: $(VENV)/installed-dev $(COMPILED) lint ## Everything that has to pass
	$(BIN)/pytest -n auto --dist worksteal

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/djlint templates --lint --check --quiet

bench: $(VENV)/installed-dev ## Measure the matcher beside others (some 15 minutes); writes tests/benchmarks/matching.md
	$(BIN)/python -m tests.benchmarks.matching

format: $(VENV)/installed-dev ## Put code and templates into their form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint templates --reformat --quiet

texts: $(VENV)/installed-dev ## Bring new texts into both catalogues; fill them in then
	$(BIN)/pybabel -q extract -F pyproject.toml -k _l --no-location --sort-output -o $(VENV)/messages.pot .
	$(BIN)/pybabel -q update -i $(VENV)/messages.pot -d talentbank/translations --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 0

lock: $(VENV)/installed-dev ## Lock the newest fitting versions with their hashes
	$(UV) --upgrade pyproject.toml -o requirements.txt
	$(UV) --upgrade --group dev -c requirements.txt -o tests/requirements.txt

clean: ## Take out what was made, but the databases in instance/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache $(COMPILED)

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@touch $@

%.mo: %.po $(VENV)/installed
	@$(BIN)/pybabel -q compile -i $< -o $@
