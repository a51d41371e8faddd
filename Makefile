# Needs Python 3.11 or newer, git and make, and nothing else. PYTHON=python3.12 makes .venv with
# another Python.
PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
PEERS_RAY := .venv-peers-ray
BIN := $(VENV)/bin
UV ?= uv
# The lock is the constraint too: pip looks at the newest release of what is asked for with extras
# before it sees that another one is pinned, and refuses that one for want of a hash.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv
COMPILE = $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

.PHONY: help demo test chaos lint types docs bench peers clean lock

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(VENV)/.runtime ## crawl a replica of two web sites, ask three questions
	$(BIN)/marque demo

test: $(VENV)/.dev ## run the tests, which hold the house rules too
	$(BIN)/python -m pytest -n 2 --dist loadfile

chaos: $(VENV)/.dev ## kill runs at every write and at random, ROUNDS=20 SEED=1; writes a page of docs/
	CHAOS_ROUNDS=$(or $(ROUNDS),20) CHAOS_SEED=$(or $(SEED),1) CHAOS_PAGE=docs/reliability.md \
		$(BIN)/python -m pytest tests/faults -m chaos --timeout 21600 -n 2 --dist worksteal

lint: $(VENV)/.dev ## check style, format and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(VENV)/.dev ## check the types
	$(BIN)/mypy

docs: $(VENV)/.dev ## write anew what pages say of commands, settings, filters, columns and rooms
	$(BIN)/python -m docs.generate

bench: $(VENV)/.dev ## measure, and write the tables of docs/
	$(BIN)/python -m benchmarks

peers: $(PEERS)/.done $(PEERS_RAY)/.done ## install what the benchmarks run beside Marque, 6 GB

clean: ## remove .venv, caches and what the demo made
	rm -rf $(VENV) $(PEERS) $(PEERS_RAY) .demo build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache
	rm -rf .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: ## resolve the dependencies anew into both locks; needs uv
	@command -v $(UV) >/dev/null 2>&1 || { echo "make lock needs uv on PATH, or UV=path/to/uv"; exit 1; }
	$(COMPILE) --group build --output-file requirements.lock
	$(COMPILE) --group build --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
		f"Marque needs Python 3.11 or newer, $(PYTHON) is {v[0]}.{v[1]}; say make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The dev lock holds the runtime lock, so installing it serves both.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/.python
	@echo "Installing the locked dependencies into $(VENV): some minutes, once."
	$(INSTALL) --require-hashes --requirement requirements.lock --constraint requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/.python
	@echo "Installing the locked dependencies into $(VENV): some minutes, once."
	$(INSTALL) --require-hashes --requirement requirements-dev.lock \
		--constraint requirements-dev.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $@

# Environments of their own: they want other versions of what Marque uses, and of each other's.
$(PEERS)/.done: benchmarks/peers.txt
$(PEERS_RAY)/.done: benchmarks/peers-ray.txt
$(PEERS)/.done $(PEERS_RAY)/.done:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-virtualenv \
		--requirement $<
	@touch $@
