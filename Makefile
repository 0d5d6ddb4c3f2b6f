# Needs Python 3.11 or newer, git and make. Everything is built into .venv, once; after that no network is needed.

VENV := .venv
BIN := $(VENV)/bin
# -qq: no progress and no warnings, errors stay.
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
# The first Python here that is new enough. Another one: make run PYTHON=/path/to/python3
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$each -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$each; break; }; done)
ARGS ?=
SEED ?= $(shell date +%y%m%d)

.PHONY: help run test faults nightly coverage lint format types check bench recall pictures commands fuzz clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: $(VENV)/run.stamp  ## a living demo: daemon on 127.0.0.1:2525, sample complaints, their numbers; Ctrl-C ends it
	@$(BIN)/mailbot demo $(ARGS)

test: $(VENV)/dev.stamp  ## the whole test suite, a real PostgreSQL included; ARGS='-k word' for a part
	@$(BIN)/python -m pytest -n 2 $(ARGS)

nightly: $(VENV)/dev.stamp  ## kills, faults of PostgreSQL, the relay matrix, many examples, every fault; seeds are printed
	@MAILBOT_TEST_PROFILE=nightly $(BIN)/python -m pytest -n 2 --timeout 1800 --hypothesis-show-statistics $(ARGS)
	@$(BIN)/python -m tests.faults --every --nodes 2 --seed $(SEED)

faults: $(VENV)/dev.stamp  ## each await on store and relay fails in each way: the promises hold; ARGS='--seed 2'
	@$(BIN)/python -m tests.faults $(ARGS)

coverage: $(VENV)/dev.stamp  ## the suite, then which lines of mailbot/ no test ran (daemons in subprocesses do not count)
	@$(BIN)/python -m pytest -n 2 --cov=mailbot --cov-report=term-missing:skip-covered $(ARGS)

lint: $(VENV)/dev.stamp  ## style, without changing anything
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/dev.stamp  ## style, changing what can be changed by machine
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/dev.stamp  ## mypy --strict
	@$(BIN)/mypy

check: lint types test  ## all that must pass

bench: $(VENV)/dev.stamp  ## speed, cost and memory, Postfix in turn; ARGS="load --quick" for a part
	@$(BIN)/python -m tests.bench $(ARGS)

recall: $(VENV)/dev.stamp  ## how the shipped policy routes mails that its rules don't know; ARGS="config --json --set second"
	@$(BIN)/python -m tests.recall $(ARGS)

pictures: $(VENV)/dev.stamp  ## the pictures in docs, of each mail on a phone and each page; needs Chromium
	@$(BIN)/python -m tests.pictures
	@$(BIN)/python -m tests.console.pictures

commands: $(VENV)/dev.stamp  ## docs/commands.md and the events of webhooks, from the code
	@$(BIN)/python -m tests.commands_page
	@$(BIN)/python -m tests.webhook_events_page

fuzz: $(VENV)/fuzz.stamp  ## looks for bytes that break reading or the dialogue at the door; ARGS='--seconds 60'
	@$(BIN)/python -m tests.fuzz $(ARGS)

clean:  ## removes what was built; configuration and stores stay
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment --------------------------------------------------------------------------------------

$(VENV)/run.stamp: pyproject.toml | $(VENV)/python.stamp
	@echo "Installing mailbot into $(VENV) (once) ..."
	@$(PIP) install --editable '.[console]'
	@$(BIN)/python -m compileall -q mailbot
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(VENV)/python.stamp
	@echo "Installing mailbot and its test tools into $(VENV) (once) ..."
	@$(PIP) install --editable '.[dev,postgres]'
	@$(BIN)/python -m compileall -q mailbot
	@touch $(VENV)/run.stamp $@

# Never needed by anything else, and not to be had for every Python: as a wheel or not at all.
$(VENV)/fuzz.stamp: $(VENV)/dev.stamp
	@echo "Installing the fuzzer into $(VENV) (once) ..."
	@$(PIP) install --only-binary atheris --editable '.[fuzz]' || { echo "make fuzz needs atheris, which has" \
		"wheels for Python 3.11 to 3.14 on x86-64 Linux; this is $$($(BIN)/python -V). Nothing else needs it." >&2; \
		exit 1; }
	@touch $@

# A half-made environment, or one of an old Python, is made anew. Debian splits ensurepip off its Python.
$(VENV)/python.stamp:
	@$(if $(PYTHON),,echo 'mailbot needs Python 3.11 or newer, and there is none on the PATH.' >&2; exit 1)
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "mailbot needs Python 3.11 or newer;" \
		"$(PYTHON) is $$($(PYTHON) -V 2>&1). Another one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) can't make environments:" \
		"its venv module is missing. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@touch $@
