# Relance: everything a person types. `make` alone says what there is.
#
#   make demo ARGS="--exit"        arguments go to the command behind the word
#   make test ARGS="-k calendar"
#   make setup PYTHON=python3.12   another interpreter than the first suitable one found

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo up test check format bench bench-full bench-peers kafka lock clean

ARGS ?=
# Files of tests run side by side, each process with servers of its own.
PROCESSES ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready-to-work ## make the environment and install everything (seconds, or nothing when up to date)

demo: $(VENV)/.ready-to-run ## start everything and play both schools' stories
	$(BIN)/relance demo $(ARGS)

up: $(VENV)/.ready-to-run ## start everything and leave it running
	$(BIN)/relance up $(ARGS)

test: $(VENV)/.ready-to-work ## all tests; the closing lines say on which lanes they ran
	@if [ "$${CI:-}" = true ] && ! command -v chromium >/dev/null && command -v apt-get >/dev/null; then \
	  echo "installing Chromium for the browser lane"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null || true; \
	fi
	@if [ "$${CI:-}" = true ]; then $(BIN)/python -m ops.servers.kafka fetch || true; fi
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)

check: $(VENV)/.ready-to-work ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.ready-to-work ## let the formatter and the fixable lint rules have their way
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/.ready-to-run ## print speed and memory as figures and ratios
	$(BIN)/relance bench $(ARGS)

bench-full: $(VENV)/.ready-to-run ## the same with ten million open cases, longer slices and a whole stack
	$(BIN)/relance bench --full $(ARGS)

PEERS := .relance/peers
REDIS := .relance/redis

bench-peers: $(VENV)/.ready-to-work ## install what Relance is measured against, in an environment of its own
	$(BIN)/python -m venv --clear $(PEERS)
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --require-hashes --requirement ops/bench/peers/requirements.txt
	@if command -v redis-server >/dev/null; then echo "Redis is here"; \
	elif command -v apt-get >/dev/null; then \
	  mkdir -p $(REDIS) && cd $(REDIS) && apt-get download redis-server redis-tools libjemalloc2 liblzf1 && \
	  for file in *.deb; do dpkg -x $$file .; done && rm -f *.deb; \
	else echo "no redis-server on the PATH and no apt-get: Celery stays not measured" >&2; fi

kafka: $(VENV)/.ready-to-run ## bring Apache Kafka's jars ahead of time (needs Java and Maven)
	$(BIN)/python -m ops.servers.kafka fetch

lock: $(VENV)/.ready-to-work ## write requirements.txt and requirements-dev.txt anew from the .in files
	for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $$name.in --output-file $$name.txt; \
	done

clean: ## remove the environment and every cache (data folders stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- How the environment comes to be ---------------------------------------------------------------------------
# A stamp is newer than what it was made from, or it is made again. A virtual environment that was moved (its scripts
# name another folder) or whose Python is gone is thrown away.

HERE := $(shell $(BIN)/python -c '' 2>/dev/null && grep -lF '$(CURDIR)/$(BIN)/' $(BIN)/pip 2>/dev/null)
ifeq ($(HERE),)
.PHONY: $(BIN)/python $(VENV)/.ready-to-run
endif

$(BIN)/python:
	@python=$(PYTHON); \
	if [ -z "$$python" ]; then \
	  for name in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	    if $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	  done; \
	fi; \
	if [ -z "$$python" ]; then \
	  echo "we could not make an environment because no Python 3.11 or newer (with venv) is on the PATH; install one, or give PYTHON=..." >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$($$python --version)"; \
	rm -rf $(VENV); \
	$$python -m venv $(VENV)

$(VENV)/.ready-to-run: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing what Relance needs"
	@$(PIP_INSTALL) --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-to-work: $(VENV)/.ready-to-run requirements-dev.txt
	@echo "installing what working on it needs"
	@$(PIP_INSTALL) --requirement requirements-dev.txt
	@touch $@
