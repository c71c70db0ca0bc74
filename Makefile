# Every target does its own set-up; all of it lives in .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help install crawl demo test test-power test-systemd deploy-check check bench bench-archive bench-dedup bench-growth soak chaos lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

install: $(INSTALLED)  ## a virtual environment in .venv, with the command at .venv/bin/veille

$(INSTALLED): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "veille needs Python 3.11 or newer; PYTHON=... names one"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -qy python3-venv; } \
		|| { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

crawl: install  ## poll the feeds that are due and archive their new articles into ./data
	@$(BIN)/veille crawl || { \
		code=$$?; \
		test $$code = 4 || exit $$code; \
		echo "No feed could be reached from here; the same job with a newsroom on loopback:"; \
		$(BIN)/veille demo; \
	}

demo: install  ## crawl a newsroom on loopback into ./demo; works without a network
	@$(BIN)/veille demo

test: install  ## the whole test suite
	$(BIN)/pytest

test-power: install  ## simulated power cuts, some minutes of them; needs root and mkfs.xfs
	cd tests && ../$(BIN)/python -m power

test-systemd: install  ## the units under a systemd booted in a container, some two minutes; needs root and systemd-nspawn
	cd tests && ../$(BIN)/python -m systemd

deploy-check: install  ## what systemd itself says of the units: their syntax, their exposure, the timer's calendar
	$(BIN)/pytest --numprocesses=0 tests/unit/test_deploy.py

check: install  ## format, lint, types, who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## what a crawl costs beside bare extraction, and beside its peers
	$(BIN)/python bench/crawl.py

bench-archive: install  ## what the archive costs as it grows to 100,000 articles
	$(BIN)/python bench/archive.py

bench-dedup: install  ## what the index of the duplicate filter costs at 1, 10 and 50 million paragraphs, beside its peers
	$(BIN)/python bench/dedup.py

bench-growth: install  ## what a crawl costs over archives of up to a million records
	$(BIN)/python bench/growth.py

soak: install  ## an hour of the service over 300 feeds, 50,000 articles: what grows, runs late or gets lost
	$(BIN)/python bench/soak.py

chaos: install  ## a quarter of an hour in which all goes wrong around the service; needs root and cc
	cd tests && ../$(BIN)/python -m chaos

lock: install  ## requirements.lock from pyproject.toml: exact versions, hashes, no addresses
	$(BIN)/pip-compile --quiet --upgrade --extra dev --generate-hashes --strip-extras --allow-unsafe \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-annotate \
		--output-file requirements.lock pyproject.toml

clean:  ## everything that was made here, but for archives
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
