# Everything happens in .venv: nothing has to be activated, and nothing is written elsewhere.
PYTHON ?= python3
BIN := .venv/bin
DEMO := spcbench-demo
PLUGINS := plugins/spcbench-pop plugins/spcbench-mis plugins/spcbench-html
PROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(PLUGINS))
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test pictures measures clean

# Invented births, counted, charted and reported: the whole walk in under a minute.
demo: .venv/installed
	$(BIN)/spcbench demo $(DEMO)
	@echo "Open $(DEMO)/unit.html in a browser; docs/tutorial.md says what to look at."

# Everything that has to pass before a change is taken.
test: .venv/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

# The pictures in README.md and the tutorial, drawn afresh from the demo.
pictures: demo
	mkdir -p docs/images
	cp $(DEMO)/p-chart.png $(DEMO)/p-chart-notes.png $(DEMO)/funnel.png docs/images/

# The pages of the perinatal measures, printed afresh from their packs.
PACKS := pop@2020 pop@2023 periprem@2020 periprem@2021 nnap@2021 nnap@2022 nnap@2024 precept@2018
measures: .venv/installed
	mkdir -p docs/measures
	for pack in $(PACKS); do \
		$(BIN)/spcbench measures --pack $$pack --markdown \
			> docs/measures/$$(echo $$pack | tr @ -).md || exit 1; \
	done

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
