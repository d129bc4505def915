# The doors of the project. Needs make and Python 3.11 to 3.13; the first door that needs more
# sets it up in .venv from requirements.lock. After that `lint`, `colab` and `links` need the network,
# `book` for MNIST alone, and `test` where there is no Chromium.

VENV ?= .venv
READY = $(VENV)/.ready
PY = $(VENV)/bin/python
# on a terminal pip shows what it does
PIP = $(PY) -m pip install --disable-pip-version-check $$(test -t 1 || echo --quiet)
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
NPX = npx --yes @biomejs/biome@2.6.8
PORT ?= 8000
# where Python keeps compiled modules, they save seconds in each of many processes
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make setup      only set up, in $(VENV): the other doors do it when it is needed"
	@echo "make book       execute the chapters that changed, render _build/html"
	@echo '                ARGS="-p EPOCHS 2" sets a parameter of the chapters'
	@echo "make test       the tests, on the small sample, offline (6 min)"
	@echo "make check      everything: the tests, the slow ones, linters, Colab's versions (18 min)"
	@echo "make links      ask whether the links to other sites lead somewhere"
	@echo "make site       render the stored outputs, executing nothing"
	@echo "make notebooks  run all chapters on MNIST, store the outputs in notebooks/"
	@echo "make bench      measure it against what one would use instead (needs MNIST, 30 min)"
	@echo "make serve      show the site on http://127.0.0.1:$(PORT); PORT=... takes another"
	@echo "make lab        open the chapters in JupyterLab; ARGS are its own"
	@echo "make clean      remove what was built; the environment stays"
	@echo "DIGITLIB_DATA   auto (MNIST, else the sample), mnist, sample, or a path to MNIST"

setup: $(READY)

book site notebooks: $(READY)
	@$(PY) book/tools/build.py $@ $(ARGS)

test: $(READY)
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check --quiet
	@$(PY) tests/browsers.py
	@$(PY) -m pytest -n 2 $(ARGS) $(COVERAGE)

# the parts of `check` beside `test`; CI runs them side by side
slow: $(READY)
	@$(PY) tests/browsers.py
	@$(PY) -m pytest -n 2 -m slow

lint:
	@$(NPX) lint --error-on-warnings

colab: $(READY)
	@$(PY) .ci/colab

# measuring the coverage slows the tests by a quarter
check: COVERAGE = --cov
check: test slow lint colab

# needs the network
links: $(READY)
	@$(PY) book/tools/build.py links

bench: $(READY)
	@$(PY) book/bench $(ARGS)

serve: $(READY)
	@$(PY) -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2>/dev/null || \
	  { echo "Port $(PORT) is taken: make serve PORT=..." >&2; exit 1; }
	@test -d _build/html || $(PY) book/tools/build.py site
	@echo "http://127.0.0.1:$(PORT)"
	@$(PY) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: $(READY)
	@$(PY) -m jupyter lab notebooks $$(test "$$(id -u)" != 0 || echo --allow-root) $(ARGS)

clean:
	rm -rf _build build .pytest_cache .ruff_cache .hypothesis .coverage *.egg-info
	find book digitlib tests -name __pycache__ -prune -exec rm -rf {} +

# The stamp comes last, so that a set-up cut short is not believed, nor any package in it.
# PYTHON=... names the Python of a new environment; otherwise the first one that fits is taken.
$(READY): requirements.lock pyproject.toml
	@if test -d "$(VENV)" && test ! -e "$(VENV)/pyvenv.cfg" && test ! -d "$(VENV)/conda-meta" && \
	  test -n "$$(ls -A "$(VENV)")"; then \
	  echo "$(VENV) is no environment of Python: remove it, or name another, VENV=..." >&2; exit 1; fi
	@rm -f $@
	@echo "Setting up $(VENV): 2.5 GB, half of it TensorFlow; some minutes, once."
	@echo "Nothing outside this folder is changed."
	@$(PY) -c '$(FITS)' 2>/dev/null && $(PY) -m pip --version >/dev/null 2>&1 && exit; \
	if test -d "$(VENV)/conda-meta"; then \
	  echo "$(VENV) has no Python 3.11, 3.12 or 3.13: make it from environment.yml" >&2; exit 1; fi; \
	for python in $(or $(PYTHON),python3.12 python3.13 python3.11 python3); do \
	  if $$python -c '$(FITS)' 2>/dev/null; then $$python -m venv --clear "$(VENV)"; exit; fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 found: install one, or name it: make PYTHON=..." >&2; exit 1
	@if test -e $(READY).part; then again=--ignore-installed; fi; \
	touch $(READY).part && $(PIP) $$again --no-deps --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	@mv $(READY).part $@
	@echo "Done: $$(du -sh $(VENV) | cut -f1) in $(VENV)"

.PHONY: help setup book site notebooks test slow lint colab check links bench serve lab clean
