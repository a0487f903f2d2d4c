# Each target does its own set-up: a fresh clone, Python 3.11 or newer, git and make are enough.
.PHONY: help demo setup setup-train check test test-slow bench docs lock format clean system

PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3 python,$(if $(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(p))))
BIN := .venv/bin
WORKERS ?= 2
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet
export SLIPWAY_NLU_DATA ?= $(if $(wildcard ../shared/data/nlu/dev.jsonl),$(abspath ../shared/data/nlu))
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

demo: .venv/.demo ## replay the assistant's journey for real, then serve it (DEMO_SERVE=0: only the first)
	@$(BIN)/slipway-assistant demo
	@if test "$(DEMO_SERVE)" != 0 && test -t 1; then echo; $(BIN)/slipway up || true; fi

setup: .venv/.dev ## make .venv with everything that developing needs

check: .venv/.dev ## ruff, strict mypy, the house rules, the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_house.py tests/test_docs.py tests/test_public_api.py tests/test_packaging.py

test: .venv/.dev system ## the whole suite with coverage (the slow ones excepted)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow" --cov --cov-report=term:skip-covered --durations=15

test-slow: .venv/.dev system ## long simulations, kill tests, soaks
	$(BIN)/python -m pytest -n $(WORKERS) -m slow --timeout 3600 --durations=0

bench: .venv/.dev ## measure tracing, store, metrics and runner; PEERS=1 adds the peers
	@failed=0; for file in benchmarks/[a-z]*.py; do echo "== $$file"; \
	  $(BIN)/python $$file $(if $(PEERS),$$(grep -qe '"--peers"' $$file && echo --peers)) || failed=1; done; exit $$failed

docs: .venv/.dev ## write docs/reference again
	$(BIN)/python -m slipway.cli.reference
	$(BIN)/python -m slipway.cli.pages

format: .venv/.dev ## format the code
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: ## compile requirements/*.txt again from pyproject.toml
	$(COMPILE) --output-file requirements/base.txt >/dev/null
	$(COMPILE) --group build --extra assistant --extra server --output-file requirements/demo.txt >/dev/null
	$(COMPILE) --group dev --group build --extra assistant --extra voice --extra piper --extra local --extra models --extra otel --extra postgres --extra parquet --extra server --output-file requirements/dev.txt >/dev/null
	echo uv | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements/uv.txt >/dev/null

setup-train: .venv/.dev ## add torch, through pip so that a CPU build it knows of is taken
	$(BIN)/python -m pip install -r requirements/train.txt

clean: ## remove what the targets made
	rm -rf .venv .slipway .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Slipway needs Python 3.11 or newer on PATH; or say: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv

# uv when it is there, uv from PyPI when it is not, pip when uv cannot reach what pip can.
.venv/.uv: .venv/bin/python requirements/uv.txt
	@command -v uv >/dev/null || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	@touch $@

# pip compiles what it installs. uv leaves that to the first start, which under PYTHONDONTWRITEBYTECODE is every start, and
# half of what starting costs: so the sources, and what `slipway up` loads, are compiled here. All of .venv would take a minute.
define install
@echo "Setting up .venv from $(1)"
@uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) || $(BIN)/python -m pip install --quiet --require-hashes -r $(1)
@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . || $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
@$(BIN)/python -m compileall -q src || true
@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m slipway.cli.warm </dev/null >/dev/null 2>&1 || true
@touch $@
endef

.venv/.demo: .venv/.uv requirements/demo.txt pyproject.toml
	$(call install,requirements/demo.txt)

.venv/.dev: .venv/.uv requirements/dev.txt pyproject.toml
	$(call install,requirements/dev.txt)
	@touch .venv/.demo

# What tests start for real beside Python: PostgreSQL's own programs, a browser, Node.js, a C compiler, what speaks and plays.
system: ## install PostgreSQL, Chromium, Node.js, a C compiler, espeak-ng, MPD and mpv for the tests, where they are missing
	@missing=""; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="postgresql"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing="$$missing chromium"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v gcc >/dev/null || command -v cc >/dev/null || missing="$$missing gcc libc6-dev"; \
	for program in espeak-ng mpd mpv; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	ldconfig -p | grep -q libportaudio.so.2 || missing="$$missing libportaudio2"; \
	test -z "$$missing" && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  export DEBIAN_FRONTEND=noninteractive; \
	  for try in 1 2 3; do apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null && exit 0; done; \
	fi; \
	echo "The tests start real programs that are not here; run: sudo apt-get install $$missing"; exit 2
