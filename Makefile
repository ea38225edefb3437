# The commands of this project. `make` alone lists them.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv/bin

# A worker for each core, each with a PostgreSQL of its own. In their order: the quick tests are first, and the
# last keep a server up. What shares a server says so by a group; see tests/e2e/conftest.py.
SPREAD := -n auto --maxprocesses 8 --dist loadgroup --no-loadscope-reorder

# How often what may go wrong at any instant is tried in a night; with each run it is tried less often.
NIGHT := --rounds 20 --kills 200 --agent-kills 240 --server-kills 200 --store-kills 200 --upload-kills 200 --import-kills 40 --mutants 2000 --blocks 1000 --soak-payments 2000 --towns 200

.PHONY: help demo up test nightly nightly-towns check lint bench lock format clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## drive the main job end to end and tell it as it happens
	@$(PYTHON) deploy/bootstrap.py --browser
	@$(VENV)/python -m sim demo

up: ## keep the server, the worker and the simulators up; print addresses and logins
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/python -m sim up

test: ## pass the tests on a real PostgreSQL, a real serial line and a real browser
	@$(PYTHON) deploy/bootstrap.py --browser --store --dissector
	@$(VENV)/python -m pytest $(SPREAD)

nightly: ## pass the tests that try every instant as often as was promised; takes hours
	@$(PYTHON) deploy/bootstrap.py --browser --store
	@$(VENV)/python -m pytest -m nightly $(NIGHT)

nightly-towns: ## live 10,000 simulated days of 500 payments, each accounted for, one in five lived again; takes a night
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/python -m pytest $(SPREAD) tests/unit/simulation --rounds 50 --town-payments 500

check: lint ## format, lint, types, import contracts, migrations, house rules
	@$(VENV)/python -m pytest -q tests/migrations tests/architecture

lint: ## the part of check that runs no test
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports

bench: ## measure speed and memory as ratios against a peer in the same run
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/python -m benchmarks

format: ## rewrite the code as the formatter wants it
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/ruff format .
	@$(VENV)/ruff check --fix .

lock: ## resolve the newest versions into requirements.lock, hashes and no addresses
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --upgrade --no-annotate --no-header -q -o requirements.lock

clean: ## remove what the commands have made (not what they have measured)
	@rm -rf .venv var .mypy_cache .ruff_cache .import_linter_cache
