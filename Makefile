# Everything happens in .venv: nothing has to be activated, and nothing is written elsewhere.
PYTHON ?= python3
BIN := .venv/bin
DEMO := spcbench-demo
PLUGINS := plugins/spcbench-pop plugins/spcbench-mis plugins/spcbench-html
PROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(PLUGINS))
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test pictures clean

# Invented births, counted, charted and reported: the whole walk in under a minute.
demo: .venv/installed
	$(BIN)/spcbench demo $(DEMO)
	@echo "Open $(DEMO)/report.html in a browser; docs/tutorial.md says what to look at."

# Everything that has to pass before a change is taken.
test: .venv/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

# The pictures in README.md, drawn afresh from the demo.
pictures: demo
	mkdir -p docs/images
	cp $(DEMO)/p-chart.png $(DEMO)/funnel.png docs/images/

clean:
	rm -rf .venv $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache

# Core and plugins go in with one command, because they depend on each other.
.venv/installed: $(PROJECTS) | $(BIN)/python
	$(PIP_INSTALL) -e . $(addprefix -e ,$(PLUGINS))
	@touch $@

.venv/installed-for-tests: $(PROJECTS) | $(BIN)/python
	$(PIP_INSTALL) -e '.[dev]' $(addprefix -e ,$(PLUGINS))
	@touch $@ .venv/installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"spcbench needs Python 3.11 or newer: name one, as in make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
