# Needs make and any Python 3; `make help` lists the targets. Each of them sets up what it needs.

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := .bootstrap/bin/uv
BOOTSTRAP := .bootstrap/.ready
endif
READY := .venv/.ready
BENCH := .venv-bench/bin
BENCH_READY := .venv-bench/.ready
BROWSER := .venv-browser/bin
BROWSER_READY := .venv-browser/.ready
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.DEFAULT_GOAL := help
.PHONY: help run test browser check docs bench known rivals wheel setup clean
.DELETE_ON_ERROR:

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 14

run: $(READY) ## the flagship study: a table, and the files in results/
	$(BIN)/estimates run

# Several processes that each share small matrices out over all cores take several times longer.
test: export OPENBLAS_NUM_THREADS := 1
test: $(READY) ## all tests and the examples in docstrings; PYTEST="-k hedge" chooses
	$(BIN)/pytest -n $(JOBS) --dist loadfile $(PYTEST)

browser: $(READY) $(BROWSER_READY) ## the page in Chromium: requests, contrast, keyboard, phone and paper
	@[ -n "$(CHROMIUM)" ] || { echo "There is no Chromium: install it (apt-get install chromium), or say where it is (make browser CHROMIUM=/path/to/chrome)." >&2; exit 1; }
	$(BIN)/python tests/make_pages.py build/pages
	CHROMIUM="$(CHROMIUM)" $(BROWSER)/pytest --confcutdir tests/browser tests/browser $(PYTEST)

check: $(READY) ## style, types, and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY) ## the documentation, in docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -E -b html docs docs/_build/html

# A target that is missed does not keep the others from being measured.
bench: export OPENBLAS_NUM_THREADS := 1
bench: $(READY) ## speed, agreement, evidence, sweeps, growth, and the table of benchmarks/README.md; takes an hour
	@failed=; for name in speed agreement evidence sweep growth summary; do echo "== $$name"; \
	$(BIN)/python benchmarks/$$name.py || failed="$$failed $$name"; done; [ -z "$$failed" ] || { echo "missed:$$failed"; exit 1; }

known: $(READY) ## well-known posteriors against exact or long NUTS, and separated hills; takes a quarter of an hour
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/hills.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/known.py

rivals: $(BENCH_READY) ## beside PyMC, nutpie, NumPyro, dynesty, nautilus and squigglepy; takes an hour or so
	OPENBLAS_NUM_THREADS=1 $(BENCH)/python benchmarks/rivals.py
	OPENBLAS_NUM_THREADS=1 $(BENCH)/python benchmarks/cluster.py

wheel: $(READY) ## build, install elsewhere, and run the flagship from there
	$(BIN)/python .ci/wheel.py --uv "$(UV)"

setup: $(READY) ## only the environment in .venv

clean: ## back to a fresh checkout; results/ stays
	rm -rf .venv .venv-bench .venv-browser .bootstrap .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf build dist docs/_build
	find estimates models tests benchmarks docs .ci -name __pycache__ -type d -prune -exec rm -rf {} +

# uv, where the machine has none. Made outside the checkout's folder because version managers that
# read .python-version there would refuse to start another Python.
.bootstrap/.ready: .ci/bootstrap.lock
	rm -rf .bootstrap
	cd / && $(PYTHON) -m venv "$(CURDIR)/.bootstrap"
	.bootstrap/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/bootstrap.lock
	touch $@

# The mark is taken away first and set last. An environment without it was interrupted, or is somebody
# else's, and is made anew; one with an older mark is brought up to date.
$(READY): requirements.lock pyproject.toml .python-version | $(BOOTSTRAP)
	@if [ -e $@ ] && $(BIN)/python -c 'import sys; sys.exit(sys.version.split(".")[:2] != open(".python-version").read().strip().split(".")[:2])' 2>/dev/null; \
	then rm $@; else rm -rf .venv && $(UV) venv --quiet .venv; fi
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q estimates models
	touch $@

# The rivals have an environment of their own: they are no dependencies, and pin some of ours down.
$(BENCH_READY): requirements-bench.lock pyproject.toml .python-version | $(BOOTSTRAP)
	rm -f $@
	[ -x $(BENCH)/python ] || $(UV) venv --quiet .venv-bench
	$(UV) pip sync --quiet --python $(BENCH)/python --require-hashes --compile-bytecode requirements-bench.lock
	$(UV) pip install --quiet --python $(BENCH)/python --no-deps --no-build-isolation --editable .
	$(BENCH)/python -m compileall -q estimates models
	touch $@

# What drives the browser brings a Node of its own, 160 MB that only this target needs.
$(BROWSER_READY): requirements-browser.lock .python-version | $(BOOTSTRAP)
	rm -f $@
	[ -x $(BROWSER)/python ] || $(UV) venv --quiet .venv-browser
	$(UV) pip sync --quiet --python $(BROWSER)/python --require-hashes requirements-browser.lock
	touch $@
