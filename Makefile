# The commands of this project. `make` alone lists them.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv/bin

.PHONY: help demo up test check bench lock format clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: ## drive the main job end to end and tell it as it happens
	@$(PYTHON) deploy/bootstrap.py --browser
	@$(VENV)/python -m sim demo

up: ## keep the server, the worker and the simulators up; print addresses and logins
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/python -m sim up

test: ## pass the tests on a real PostgreSQL, a real serial line and a real browser
	@$(PYTHON) deploy/bootstrap.py --browser --store
	@$(VENV)/python -m pytest

check: ## format, lint, types, import contracts, migrations
	@$(PYTHON) deploy/bootstrap.py
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports
	@$(VENV)/python -m pytest -q tests/migrations tests/architecture

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
