# Everything a fresh machine needs is Python >= 3.11, git and make. `make` lists the targets.
# `make up PYTHON=python3.12` chooses the Python that .venv is made of.

PYTHON ?= python3
BIN := .venv/bin
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
PYTHONPATHS := src tests tools benchmarks

.DEFAULT_GOAL := help
.PHONY: stale-venv help up down test test-fast surroundings check format types bench chaos soak fuzz autobahn corpus screenshots clean web-check wheel requirements sbom audit

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# A `.venv` of another Python than was asked for, or of one that does not run any more, is made anew.
ASKED_PYTHON := $(if $(filter-out file,$(origin PYTHON)),$(PYTHON))
STALE := $(shell sh tools/python_problem.sh venv "$(ASKED_PYTHON)" "$(CURDIR)")
ifneq ($(STALE),)
.venv/.pip: stale-venv
endif
stale-venv:
	@echo 'make: .venv is made anew: $(STALE)'

.venv/.pip:
	@problem=$$(sh tools/python_problem.sh new "$(PYTHON)"); \
	  [ -z "$$problem" ] || { echo "make: $$problem" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

# What `make up` needs: the package with the hub, and the page built by the packaging hook. With
# HASHES=1 every file that is installed, those that build it included, has to be one of requirements/.
.venv/.installed: .venv/.pip pyproject.toml src/arborlink/__init__.py hatch_build.py $(WEB_SOURCES)
ifdef HASHES
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/build.txt -r requirements/hub.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
else
	$(BIN)/python -m pip install --quiet --editable '.[hub]'
endif
	@touch $@

# What the checks and tests need on top.
.venv/.dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

up: .venv/.installed  ## start a hub and a daemon for this folder and print the sign-in link
	@$(BIN)/arbor up $(ARGS)

down: .venv/.installed  ## stop what `make up` started
	@$(BIN)/arbor down

# Browser, proxy and networks of the tests, and a terminal to compare screens with; APT=no: none.
.venv/.browser: .venv/.dev
	@APT='$(APT)' sh tools/debian_packages.sh
	@touch $@

# What pytest makes of the tests' modules is kept for the next run: to make it anew takes each worker
# seven seconds of a core.
unexport PYTHONDONTWRITEBYTECODE

# Half of the time tests wait, for links to die or processes to end: four keep two cores busy.
test: .venv/.browser  ## run the tests (about ten minutes on two cores)
	$(BIN)/python tools/web.py test
	$(BIN)/python -m pytest -n 4 --dist worksteal -m 'not autobahn and not chaos and not fuzz and not soak' --durations 10 $(ARGS)

test-fast: .venv/.dev  ## the tests that take no longer than a minute and a half together
	$(BIN)/python tools/web.py test
	HYPOTHESIS_PROFILE=fast $(BIN)/python -m pytest -n 3 --dist worksteal --fast $(ARGS)

surroundings: .venv/.browser  ## the fast tests in odd surroundings; ARGS=--full: all tests
	$(BIN)/python tools/surroundings.py $(ARGS)

check: .venv/.dev  ## lint, format, types, import contracts, generated files, known vulnerabilities
	$(BIN)/ruff check $(PYTHONPATHS) hatch_build.py
	$(BIN)/ruff format --check $(PYTHONPATHS) hatch_build.py
	$(BIN)/mypy
	$(BIN)/mypy tests tools benchmarks
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/generate_types.py --check
	$(BIN)/python tools/generate_docs.py --check
	$(BIN)/python tools/web.py check
	$(BIN)/python tools/audit.py --check

format: .venv/.dev  ## format and fix what can be fixed
	$(BIN)/ruff check --fix $(PYTHONPATHS) hatch_build.py
	$(BIN)/ruff format $(PYTHONPATHS) hatch_build.py
	$(BIN)/python tools/generate_types.py
	$(BIN)/python tools/generate_docs.py

bench: .venv/.dev  ## measure against ssh, where it is installed; results in benchmarks/results/
	$(BIN)/python -m benchmarks $(ARGS)

chaos: .venv/.dev  ## a gigabyte of output while everything is killed and cut, again and again
	$(BIN)/python -m pytest -m chaos -x -s --timeout 1800 $(ARGS)

soak: .venv/.dev  ## long runs that watch memory and descriptors; sieges and herds at full scale
	$(BIN)/python -m pytest -m soak -x -s --timeout 7200 $(ARGS)

# In a place of its own: what the fuzzer needs must not change what is tested, nor how.
.venv/.fuzz: .venv/.dev
	$(PYTHON) -m venv .venv/fuzz
	.venv/fuzz/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv/fuzz/bin/python -m pip install --quiet --group fuzz
	@touch $@

fuzz: .venv/.fuzz  ## ten minutes of generated requests, ten of generated frames
	$(BIN)/python -m pytest -m fuzz -s --timeout 3600 tests/fuzz $(ARGS)

autobahn: .venv/.dev  ## both ends against the Autobahn Testsuite, where there is a Python 2.7
	$(BIN)/python -m pytest -m autobahn -s tests/conformance $(ARGS)

corpus: .venv/.dev  ## every known bad input against a hub and a daemon; `make test` has it as well
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/corpus $(ARGS)

screenshots: .venv/.browser  ## a picture of every view, in test-results/; ARGS=--docs: those of the docs
	$(BIN)/python tools/screenshots.py $(ARGS)

# Where there is something newer: look at the difference before it is committed.
requirements: .venv/.dev  ## resolve requirements/ anew, with the hashes of every file
	$(BIN)/python -m pip install --quiet --group lock
	$(BIN)/python tools/requirements.py

sbom: .venv/.installed  ## what a hub is made of, in dist/sbom.cdx.json (CycloneDX)
	$(BIN)/python tools/sbom.py dist/sbom.cdx.json

audit: .venv/.installed  ## ask now whether dependencies have known vulnerabilities
	$(BIN)/python tools/audit.py

wheel: .venv/.pip  ## build the wheel, with the page inside
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove everything that can be made again
	rm -rf .venv dist build web/node_modules web/dist src/arborlink/hub/static
