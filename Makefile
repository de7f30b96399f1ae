.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: help
help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what Candour needs and make the data folder
	@scripts/setup

.PHONY: run
run: setup ## Serve the demonstration on http://127.0.0.1:8000
	@$(BIN)/candour demo --if-empty
	@exec $(BIN)/candour serve

.PHONY: setup-test
setup-test:
	@scripts/setup --test

.PHONY: faster
faster: setup ## Compile the libraries that make reports: a quarter less time (once, in minutes; needs a C compiler)
	@scripts/faster

.PHONY: test
test: lint ## Check everything: style, types, layers, packs, and all tests on both databases
	@home=$$(mktemp -d); trap 'rm -rf "$$home"' EXIT; export CANDOUR_HOME="$$home"; \
	$(BIN)/candour templates check; \
	$(BIN)/pytest $(ARGS)

.PHONY: lint
lint: setup-test ## Check style, types and layers only
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: lock
lock: ## Lock the Python packages again (UPGRADE=1 takes newer ones)
	@scripts/setup --test
	@$(COMPILE) -o requirements.lock
	@$(COMPILE) --constraint requirements.lock --group dev -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
		--group pyproject.toml:setup -o requirements-setup.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --constraint requirements-dev.lock \
		--group pyproject.toml:faster -o requirements-faster.lock
	@scripts/setup --test

.PHONY: assets
assets: ## Compile styles and copy fonts and scripts (needs Node; the results are committed)
	@npm ci --silent --ignore-scripts
	@npm run --silent build

.PHONY: words
words: setup-test ## Bring the catalogues of other languages up to date and compile them
	@$(BIN)/python -m scripts.words

.PHONY: queries
queries: setup-test ## Keep with each report the statements that its figures rest on
	@$(BIN)/python -m scripts.queries

.PHONY: bench
bench: setup-test ## Measure what the README quotes
	@$(BIN)/python -m bench

.PHONY: prove
prove: setup-test ## Run the tests that take minutes, and take a round of 818 agencies to publication
	@home=$$(mktemp -d); trap 'rm -rf "$$home"' EXIT; export CANDOUR_HOME="$$home"; $(BIN)/pytest -m proof $(ARGS)
	@$(MAKE) --no-print-directory prove-round

.PHONY: prove-round
prove-round: setup-test ## Take a round of 818 agencies from opening to publication and its feedback as PDFs (ten to twenty minutes)
	@$(BIN)/python -m bench.whole_round

.PHONY: clean
clean: ## Remove what set-up and tools made; the data folder stays
	@rm -rf .venv .setup.lock node_modules dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
