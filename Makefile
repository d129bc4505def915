# The doors of the project. Needs make and Python 3.11 to 3.13; the first door that needs more
# sets it up in .venv from requirements.lock, and after that nothing asks for the network.

VENV ?= .venv
READY = $(VENV)/.ready
PY = $(VENV)/bin/python
PIP = $(PY) -m pip install --quiet --disable-pip-version-check
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

help:
	@echo "make book       execute the chapters that changed, render _build/html"
	@echo '                ARGS="-p EPOCHS 2" sets a parameter of the chapters'
	@echo "make test       everything that must hold, on the small sample, offline"
	@echo "make site       render the stored outputs, executing nothing"
	@echo "make notebooks  run all chapters on MNIST, store the outputs in notebooks/"
	@echo "make bench      measure it against what one would use instead (needs MNIST, 30 min)"
	@echo "make serve      show the site on http://127.0.0.1:8000"
	@echo "make lab        open the chapters in JupyterLab"
	@echo "make clean      remove what was built; the environment stays"
	@echo "DIGITLIB_DATA   auto (MNIST, else the sample), mnist, sample, or a path to MNIST"

book site notebooks: $(READY)
	@$(PY) book/build.py $@ $(ARGS)

test: $(READY)
	@$(PY) -m ruff check
	@$(PY) -m pytest -n 2 --cov=digitlib --cov-fail-under=95 $(ARGS)

bench: $(READY)
	@$(PY) book/bench.py $(ARGS)

serve: $(READY)
	@test -d _build/html || $(PY) book/build.py site
	@$(PY) -m http.server --bind 127.0.0.1 --directory _build/html 8000

lab: $(READY)
	@$(PY) -m jupyter lab notebooks

clean:
	rm -rf _build build .pytest_cache .ruff_cache .hypothesis .coverage *.egg-info
	find book digitlib tests -name __pycache__ -prune -exec rm -rf {} +

# The stamp comes last, so that a set-up cut short is not believed, nor any package in it.
# PYTHON=... names the Python to use; otherwise the first one that fits is taken.
$(READY): requirements.lock pyproject.toml
	@rm -f $@
	@echo "Setting up $(VENV) (some minutes, once)"
	@$(PY) -c '$(FITS)' 2>/dev/null && $(PY) -m pip --version >/dev/null 2>&1 && exit; \
	for python in $(or $(PYTHON),python3.12 python3.13 python3.11 python3); do \
	  if $$python -c '$(FITS)' 2>/dev/null; then $$python -m venv --clear $(VENV); exit; fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 found: install one, or name it: make PYTHON=..." >&2; exit 1
	@if test -e $(READY).part; then again=--ignore-installed; fi; \
	touch $(READY).part && $(PIP) $$again -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@mv $(READY).part $@

.PHONY: help book site notebooks test bench serve lab clean
