# Two commands matter: `make demo` shows the platform at work, `make test` proves it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-quick prove check bench docs migration dbtdocs constraints clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/.installed ## Install, simulate a fleet, run everything, open the Dagster UI (options: make demo DEMO="--no-ui")
	$(BIN)/fleet demo $(DEMO)

# Workers share the processor: threads of their own would wait for each other.
test: $(VENV)/.installed-test ## Install what the tests need and run the whole suite
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(TESTS)

# Folders whose tests need no PostgreSQL, no dbt and no daemon.
QUICK := $(addprefix fleet_assets_tests/,contracts core sources simulator pipeline adapters)

test-quick: $(VENV)/.installed-test ## Run what answers soon: no PostgreSQL, no dbt, no daemon, no slow tests
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(QUICK) \
	  --ignore fleet_assets_tests/adapters/postgres

prove: $(VENV)/.installed-test ## Try the claims at full strength (random kills, random histories) and print what held
	$(BIN)/python -m fleet_assets_tests.proofs $(PROOFS)

check: $(VENV)/.installed-test ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy fleet_assets fleet_assets_tests benchmarks
	$(BIN)/lint-imports --config setup.cfg

bench: $(VENV)/.installed-bench ## Measure against peers and print the ratios
	for bench in benchmarks/bench_*.py; do PYTHONPATH=. $(BIN)/python $$bench || exit 1; done

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name it with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python setup.cfg constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.python setup.cfg constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(VENV)/.python setup.cfg constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,bench]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test

docs: $(VENV)/.installed ## Write docs/tables.md, docs/marts.md and .env.example anew
	$(BIN)/python -m fleet_assets.commands.env_example > .env.example
	$(BIN)/python -m fleet_assets.contracts.document > docs/tables.md
	$(BIN)/python -m fleet_assets.commands.mart_page > docs/marts.md

dbtdocs: $(VENV)/.installed ## Write the site of the dbt models into build/dbt_docs (after a first fleet build)
	$(BIN)/fleet docs --output build/dbt_docs
migration: $(VENV)/.installed-test ## Write the PostgreSQL migration that a changed contract needs: make migration NAME="add a column"
	$(BIN)/python -m fleet_assets_tests.write_migration $(NAME)
	$(BIN)/ruff check --fix --quiet fleet_assets/adapters/postgres/migrations
	$(BIN)/ruff format --quiet fleet_assets/adapters/postgres/migrations

constraints: ## Write constraints.txt anew from the newest versions that setup.cfg allows
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet '.[test,bench]'
	build/constraints/bin/python -m pip freeze --exclude fleet-assets > constraints.txt

clean: ## Remove what was built here (not the data in FLEET_HOME)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
