# Two commands do everything: `make run` starts the app, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
# Files of tests are taken in order, not the ones with most tests first: a file of few may take longest.
# Tests of processes that wait for each other run one at a time, the others two at a time.
TIMED := tests/runs tests/workers tests/browser

.PHONY: run test bench lock samples clean check-format lint types imports unit browser-ready

run: $(VENV)/.installed
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: $(VENV)/.installed-dev browser-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(TIMED))
	$(BIN)/python -m pytest $(TIMED)

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.benchmarks

samples: $(VENV)/.installed
	$(BIN)/python sample_data/make_samples.py --source $(SOURCE)

lock: $(VENV)/.installed-dev
	@echo "# Every package of the checked environment, exact; regenerate with: make lock" > constraints.txt
	$(BIN)/pip freeze >> constraints.txt

# --- set-up, done once and again when the requirements change -------------------------------------

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv $(VENV) || { $(ROOT) apt-get update -qq && $(ROOT) apt-get install -y python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@ $(VENV)/.installed

# Chromium for the browser tests, from the system's packages; a CHROMIUM of your own is used if it is set.
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
browser-ready:
	@if [ -z "$$CHROMIUM" ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null \
	  && ! command -v google-chrome >/dev/null; then \
	  $(ROOT) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(ROOT) apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; \
	fi

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
