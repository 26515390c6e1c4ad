# make demo      the main job, seen: Asterisk, softphones and the engine at work
# make test      every test, end to end ones included
# make check     format, lint, types, import contract, unit tests: under two minutes
# make coverage  what no test of the router reaches: every line and branch of acd/router by its own tests
# make lab-up    the lab's Asterisk servers; make lab-down stops them
# make bench-X   the benchmark benchmarks/X.py; ARGS=--quick for a short run

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { echo $$p; break; }; done)
BIN := $(VENV)/bin
READY := $(VENV)/.acd-ready
LAB := sip-lab/lab
# Three workers on two processors, since many a test waits for a process it has started. Each takes the next test:
# nobody is left alone with the long ones.
WORKERS := -n 3 --dist load --maxschedchunk 1
UNIT := tests -m "not e2e and not long" $(WORKERS) -q -rs
OF_THE_ROUTER := tests/router tests/scenarios tests/explain tests/properties
ALL_BUT_E2E := tests -m "not e2e" $(WORKERS) -q -rs

.PHONY: help setup check format test unit coverage e2e demo lab-up lab-down clean

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

setup: $(READY)

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "acd needs Python 3.11 or newer: install it, or call make PYTHON=/path/to/python"; exit 1; }
	@echo "== setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { \
			echo "this Python has no venv: install the package python3-venv"; exit 1; }; \
		echo "== installing python3-venv"; \
		(apt-get install -yq python3-venv || (apt-get update -q && apt-get install -yq python3-venv)) >/dev/null; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "$(VENV) is no whole virtual environment: remove it, and do this again"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

check: setup
	@echo "== format";           $(BIN)/ruff format --check --quiet .
	@echo "== lint";             $(BIN)/ruff check --quiet .
	@echo "== types";            $(BIN)/mypy
	@echo "== import contract";  $(BIN)/lint-imports --no-logo 2>&1 | tail -n 4
	@echo "== unit tests";       $(BIN)/pytest $(UNIT)

format: setup
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

unit: setup
	@$(BIN)/pytest $(UNIT)

# The router's own tests only: what another room's tests happen to reach is not shown to be meant.
coverage: setup
	@$(BIN)/coverage run --source=acd/router -m pytest $(OF_THE_ROUTER) -q --timeout 900
	@$(BIN)/coverage report --show-missing --fail-under=100

# End-to-end tests share the lab and its phones: one after another.
e2e: setup lab-tools
	@$(BIN)/pytest tests -m e2e -rs --durations 10

# Each half is run whatever became of the other: a failure must not hide what the rest would have said.
test: setup lab-tools
	@failed=0; \
	echo "== the lab";  $(LAB) up || test $$? = 3 || failed=1; \
	echo "== tests without Asterisk";  $(BIN)/pytest $(ALL_BUT_E2E) --durations 5 || failed=1; \
	echo "== tests on Asterisk";  $(BIN)/pytest tests -m e2e -rs --durations 10 || failed=1; \
	exit $$failed

# SIPp makes the load, ip and iptables a line that loses packets; where they cannot be had, their tests say so.
LAB_TOOLS = sipp:sip-tester ip:iproute2 iptables:iptables
.PHONY: lab-tools
lab-tools:
	@! command -v apt-get >/dev/null || test "$$(id -u)" != 0 || { \
		missing=$$(for tool in $(LAB_TOOLS); do command -v "$${tool%:*}" >/dev/null || echo "$${tool#*:}"; done); \
		test -z "$$missing" || { \
			echo "== installing" $$missing; export DEBIAN_FRONTEND=noninteractive; \
			(apt-get install -yq --no-install-recommends $$missing || \
			(apt-get update -q && apt-get install -yq --no-install-recommends $$missing)) >/dev/null; }; }

# Ctrl-C while Python itself starts waits until the demo takes it, where this machine's env can keep it.
KEEPING_SIGNALS = $(shell env --block-signal=INT true 2>/dev/null && echo env --block-signal=INT,TERM,HUP)

demo: setup
	@$(KEEPING_SIGNALS) $(BIN)/acd demo $(ARGS)

lab-up:
	@$(LAB) up

lab-down:
	@$(LAB) down

# All of them, one after another; what they say is kept in benchmarks/results.
.PHONY: bench
bench: setup lab-tools
	@$(BIN)/python -m benchmarks.record $(ARGS)

BENCHMARKS := $(shell grep -l __main__ $(filter-out benchmarks/record.py,$(wildcard benchmarks/*.py)) | sed 's|.*/||; s|\.py$$||' | tr _ -)

.PHONY: $(BENCHMARKS:%=bench-%)
$(BENCHMARKS:%=bench-%): bench-%: setup
	@$(BIN)/python -m benchmarks.$(subst -,_,$*) $(ARGS)

bench-%:
	@echo "there is no benchmark \"$*\": make bench-NAME runs one of these: $(BENCHMARKS)" >&2; exit 2

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
