# Kept bytecode starts each process half a second sooner, and the tests start hundreds of them.
unexport PYTHONDONTWRITEBYTECODE

# Everything needs Python 3.11 or newer, make and git; the rest is installed into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.lightwork-setup
PYTEST := $(BIN)/python -m pytest -q

INVARIANTS_EVENTS ?= 10000
INVARIANTS_SEED ?= 1

KILLS ?= 20
KILLS_SEED ?= 1

FAULTS ?= 200
CHAOS_SEED ?= 1
RACE_SECONDS ?= 60
RACE_SEED ?= 1
SOAK_MINUTES ?= 30
PEERS ?= var/peers

.PHONY: help setup browser referees lint test invariants kills race chaos soak startup peers demo up migration replays attack clean forecasts
.DEFAULT_GOAL := help

help:
	@echo "make demo       the whole product at work on real data (installs first)"
	@echo "make up         start it, empty, and stay"
	@echo "make test       lint and all tests (installs first)"
	@echo "make invariants   bans, dynamic overlap and gold at once: 10,000 random events on each database"
	@echo "make kills      kill the trainer at 20 random moments: one model comes of each run"
	@echo "make race       64 threads in 4 processes answer the same items for a minute on each database"
	@echo "make chaos      200 faults under load, on both databases (an hour); the report goes to docs/reports/chaos.md"
	@echo "make soak       half an hour at 60 % of the highest rate; the report goes to docs/reports/soak.md"
	@echo "make startup    how soon 'lightwork up' is ready, and what its processes need in memory"
	@echo "make peers      answers over HTTP next to Label Studio and doccano, which it installs first (a quarter of an hour)"
	@echo "make lint       ruff, mypy, import-linter"
	@echo "make forecasts CROWDS='FOLDER ...'   hold forecasts against replays of real crowds, and draw them"
	@echo "make migration m='what changes'   write a revision from what differs between models and migrations"
	@echo "make replays CROWDS=folder   accuracy over cost on real crowds; make attack: with spammers among them"
	@echo "make clean      remove .venv, caches and var"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Lightwork needs Python 3.11 or newer; set PYTHON to one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into .venv (some minutes the first time) ..."
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@$(BIN)/python -m compileall -q bot core demo migrations trainer
	@touch $(STAMP)

# The browser tests look for chromium on the PATH. Where it cannot be installed they are skipped, loudly.
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing Chromium for the browser tests ..."; \
		(apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core fonts-noto-color-emoji) >/dev/null 2>&1 \
			|| echo "!!! Chromium could not be installed: the browser tests will be SKIPPED."; \
	else \
		echo "!!! No Chromium, and it cannot be installed here (Debian or Ubuntu, as root): the browser tests will be SKIPPED."; \
	fi

# Third-party servers to test against, in ~/.cache/lightwork. What cannot be fetched is skipped, loudly.
referees: setup
	@$(BIN)/python -m tests.referees

lint: setup
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy
	@out=$$($(BIN)/lint-imports 2>&1) || { echo "$$out"; exit 1; }
	@echo "ruff, mypy and import-linter: nothing to complain about."

# Two at a time, the long ones first: most acceptance tests wait for processes more than they
# compute. Left to itself, xdist begins with the files of most tests, and ends with the longest, which have one each.
test: setup browser referees lint
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder tests/acceptance tests/integration tests/unit

# The short run of it is part of the tests. INVARIANTS_EVENTS and INVARIANTS_SEED choose another length and start.
invariants: setup
	LIGHTWORK_INVARIANTS_EVENTS=$(INVARIANTS_EVENTS) LIGHTWORK_INVARIANTS_SEED=$(INVARIANTS_SEED) \
		$(PYTEST) -n 2 --timeout 0 tests/integration/composition

# Five moments are part of the tests. KILLS and KILLS_SEED choose how many, and which.
kills: setup
	LIGHTWORK_KILLS=$(KILLS) LIGHTWORK_KILLS_SEED=$(KILLS_SEED) $(PYTEST) tests/acceptance/test_trainer_kill.py

# Ten seconds are part of the tests. RACE_SECONDS and RACE_SEED choose how long, and from where.
race: setup
	LIGHTWORK_RACE_SECONDS=$(RACE_SECONDS) LIGHTWORK_RACE_SEED=$(RACE_SEED) $(PYTEST) -s tests/integration/racing

# Ten faults on each database are part of the tests. FAULTS and CHAOS_SEED choose how many, and which; Ctrl-C ends it.
chaos: setup
	@$(BIN)/python -m tests.chaos --faults $(FAULTS) --seed $(CHAOS_SEED)

# A short one is part of the tests. SOAK_MINUTES chooses how long.
soak: setup
	@$(BIN)/python -m tests.soak --minutes $(SOAK_MINUTES)

startup: setup
	@$(BIN)/python -m benchmarks.startup

# Our own side of it is part of the tests. PEERS is the folder of the others' environments.
peers: setup
	@$(BIN)/python -m benchmarks.peers "$(PEERS)" --install --json

demo: setup
	@$(BIN)/python -m core.cli demo

up: setup
	@$(BIN)/python -m core.cli up

# Forecasts held against replays of real crowds: folders with labels.csv and gold.csv.
forecasts: setup
	@test -n "$(CROWDS)" || { echo "Say which crowds: make forecasts CROWDS='path/to/crowd another/crowd'"; exit 1; }
	$(BIN)/python -m benchmarks.forecasts $(CROWDS) --plot docs/images/forecasts.svg

# Revisions are numbered. Read what was written: alembic finds differences, not intentions.
migration: setup
	@test -n "$(m)" || { echo "Say what changes: make migration m='add a column for ...'"; exit 1; }
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && export LIGHTWORK_HOME="$$home" DATABASE_URL= \
		&& $(BIN)/python -m core.cli migrate \
		&& PYTHONPATH=. $(BIN)/alembic -c migrations/alembic.ini revision --autogenerate -m "$(m)" \
			--rev-id "$$(printf '%04d' $$(( $$(ls migrations/versions | grep -c '^[0-9]') + 1 )))"

# What CROWDS names is a folder of folders, each with labels.csv and gold.csv (docs/replay.md).
replays: setup
	@test -n "$(CROWDS)" || { echo "Say where the crowds are: make replays CROWDS=folder"; exit 1; }
	@$(BIN)/python -m benchmarks.replays $$(for crowd in rte dog cf_amt_weather d_product sp; do echo "$(CROWDS)/$$crowd"; done) --draw docs/images/replays.svg

attack: setup
	@test -n "$(CROWDS)" || { echo "Say where the crowds are: make attack CROWDS=folder"; exit 1; }
	@$(BIN)/python -m benchmarks.attack "$(CROWDS)/rte"

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
