# Everything a person needs to build, try and check this project; a bare `make` prints the list.
# The environment lives in .venv. Variables: FAULT=kill (demo), TESTS=tests/cli (test), PYTHON=python3.12 (setup),
# ARGS=dispatcher/gate (mutants), SECONDS_PER_RUN=60 SEED=1 DATABASE=sqlite (chaos), SECONDS_PER_PARSER=600 (fuzz).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TESTS ?=
MOVES_STEPS ?= 2000000
FAULT ?=
BENCH ?=
SECONDS_PER_RUN ?= 60
SECONDS_PER_PARSER ?= 600
SEED ?=
DATABASE ?= both

# Hashes for every file of every release; no index, folder, path or comment of the machine that made it.
LOCK := $(BIN)/pip-compile pyproject.toml --quiet --no-config --generate-hashes --strip-extras --allow-unsafe \
	--no-header --no-annotate --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

# Installs a Debian package where that is possible; says nothing and fails elsewhere.
apt = test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing $(1)" && \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null

.PHONY: help
help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) redis ssh font ## make .venv from the hashed lock, and see that Redis, OpenSSH and a font are there

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make setup PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the locked requirements into .venv"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: redis
redis: $(READY)
	@command -v redis-server >/dev/null || test -x $(BIN)/redis-server || { $(call apt,redis-server); } || \
		{ echo "There is no redis-server: install Redis 6.2 or later (Debian: apt-get install redis-server)." >&2; exit 1; }

.PHONY: ssh
ssh:
	@command -v ssh-keygen >/dev/null || { $(call apt,openssh-client); } || \
		{ echo "There is no ssh-keygen: install the OpenSSH client (Debian: apt-get install openssh-client)." >&2; exit 1; }

.PHONY: font
font: $(READY)
	@$(BIN)/python -c 'from channels.insertion_order import pdf; raise SystemExit(bool(pdf.faults(" ")))' || \
		{ $(call apt,fonts-dejavu-core); } || \
		echo "There is no DejaVu Sans (Debian: apt-get install fonts-dejavu-core); insertion orders need it." >&2

.PHONY: chromium
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null || { $(call apt,chromium); } || \
		echo "There is no Chromium (Debian: apt-get install chromium); tests that need it will say so." >&2

.PHONY: bubblewrap
bubblewrap:
	@command -v bwrap >/dev/null || { $(call apt,bubblewrap); } || \
		echo "There is no bwrap (Debian: apt-get install bubblewrap); tests that need it will say so." >&2

.PHONY: prometheus
prometheus:
	@command -v prometheus >/dev/null && command -v promtool >/dev/null && command -v amtool >/dev/null || \
		{ $(call apt,prometheus prometheus-alertmanager); } || \
		echo "There is no Prometheus or Alertmanager; tests that need them will say so." >&2

.PHONY: systemd
systemd:
	@command -v systemd-analyze >/dev/null || { $(call apt,systemd); } || \
		echo "There is no systemd-analyze (Debian: apt-get install systemd); tests that need it will say so." >&2

.PHONY: demo
demo: setup ## run one exercise from alert to evidence against simulated platforms (FAULT=kill kills workers)
	@$(BIN)/python -m ops.demo $(if $(FAULT),--fault $(FAULT))

.PHONY: test
test: setup chromium bubblewrap prometheus systemd openid ## check everything and run every test (TESTS=path for some)
	@$(MAKE) check
	@$(BIN)/python -m pytest -v -n 3 --dist worksteal -rs --durations 25 $(TESTS)

.PHONY: transcripts
transcripts: setup ## write the transcripts of the terminal sessions again; read what changed
	@TRANSCRIPTS=write $(BIN)/python -m pytest -v -n 2 tests/cli/sessions
	@git diff --stat -- tests/cli/sessions/transcripts

.PHONY: test-peers
test-peers: setup peers ## run adapters against real far sides: a Bluesky PDS from npm, and Exim
	@$(BIN)/python -m pytest -v -rs tests/peers

# Node 20 or later with npm, for the PDS; its SQLite addon is built where there is no build of it for this machine.
PDS := build/peers/node_modules/.ready

.PHONY: peers
peers:
	@PATH="$$PATH:/usr/sbin" command -v exim4 exim >/dev/null || { $(call apt,exim4-daemon-light); } || \
		echo "There is no Exim (Debian: apt-get install exim4-daemon-light); tests that need it will say so." >&2
	@$(MAKE) $(PDS) || echo "There is no Bluesky PDS; tests that need it will say so." >&2

$(PDS): tests/peers/package.json
	@command -v npm >/dev/null || { echo "There is no npm: install Node.js 20 or later." >&2; exit 1; }
	@echo "installing a Bluesky PDS into build/peers"
	@mkdir -p build/peers && cp tests/peers/package.json build/peers
	@cd build/peers && npm install --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

# Node 20 or later with npm: an OpenID provider of its own for the sign-in tests.
OPENID := build/openid/node_modules/.ready

.PHONY: openid
openid:
	@$(MAKE) $(OPENID) || echo "There is no OpenID provider; tests that need it will say so." >&2

$(OPENID): tests/openid/package.json
	@command -v npm >/dev/null || { echo "There is no npm: install Node.js 20 or later." >&2; exit 1; }
	@echo "installing an OpenID provider into build/openid"
	@mkdir -p build/openid && cp tests/openid/package.json build/openid
	@cd build/openid && npm install --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: fuzz
fuzz: setup ## answer every adapter with nonsense, for SECONDS_PER_PARSER on each kind of call
	@SECONDS_PER_PARSER=$(SECONDS_PER_PARSER) $(BIN)/python -m pytest -v -n 2 tests/channels/test_fuzz.py

.PHONY: coverage
coverage: setup ## branch coverage of the code that decides
	@$(BIN)/python -m ops.mutants --coverage

.PHONY: mutants
mutants: setup ## change the code that decides in thousands of ways; a test must notice each
	@$(BIN)/python -m ops.mutants $(ARGS)

.PHONY: bench
bench: setup ## measure what this product promises, and write build/bench.json (BENCH=gate for some)
	@$(BIN)/python -m ops.bench $(BENCH)

.PHONY: bench-full
bench-full: ## the same with a million recipients
	@$(MAKE) bench BENCH=full

.PHONY: man
man: setup ## write the manual pages into build/man (export MANPATH=build/man:)
	@$(BIN)/python -m ops.docs man

.PHONY: figures
figures: setup ## put what the last bench measured into docs/figures.md and docs/charts
	@$(BIN)/python -m ops.bench.report

.PHONY: chaos
chaos: setup ## break a deployment again and again while it sends, and count at the far sides what came of it
	@$(BIN)/python -m ops.chaos --seconds $(SECONDS_PER_RUN) $(if $(SEED),--seed $(SEED)) --database $(DATABASE)

.PHONY: moves
moves: setup ## try two million moves on each database against the table of moves (MOVES_STEPS=25000 for fewer)
	@MOVES_STEPS=$(MOVES_STEPS) $(BIN)/python -m pytest -v tests/store/test_moves.py

.PHONY: draws
draws: setup ## run the tests of which make test tries a share: all draws, and every story on both databases
	@DRAWS=whole $(BIN)/python -m pytest -v -n 2 tests/gate tests/sending/test_mutations.py tests/channels/test_fuzz.py \
		tests/workers tests/e2e/test_chaos.py tests/e2e/test_two_versions.py

.PHONY: check lint format types
check: $(READY) ## ruff and mypy, without tests
	@$(MAKE) -j 2 --output-sync=target types lint format

lint: $(READY)
	@$(BIN)/ruff check --quiet .

format: $(READY)
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check . >&2; echo "Run: make fmt" >&2; exit 1; }

types: $(READY)
	@$(BIN)/mypy --no-error-summary

.PHONY: fmt
fmt: $(READY) ## mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix . && $(BIN)/ruff format .

.PHONY: lock
lock: $(READY) ## compile both lock files again from pyproject.toml (ARGS=--upgrade for newer releases)
	@$(LOCK) $(ARGS) --extra embedded --output-file requirements.txt
	@$(LOCK) $(ARGS) --extra embedded --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	@sed -i '/^#/d' requirements.txt requirements-dev.txt

.PHONY: clean
clean: ## remove what was built, the environment included
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
