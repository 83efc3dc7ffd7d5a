# `make demo` and `make test` are all a new machine needs: each sets up what it uses.
PYTHON ?= python3
BIN := .venv/bin
HOME_DEMO := .work/demo

.PHONY: demo test check lint typecheck contracts bench tree clean

.venv/demo.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline]'
	touch $@

.venv/dev.done: .venv/demo.done
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline,dev]'
	touch $@

demo: .venv/demo.done ## Ingest the sample documents and ask them a handful of questions.
	$(BIN)/ragapp ingest ragapp/samples/documents --home $(HOME_DEMO)
	$(BIN)/ragapp ask --file ragapp/samples/demo.jsonl --home $(HOME_DEMO)

test: .venv/dev.done ## Run the whole test suite.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope

check: lint typecheck contracts test ## Everything that CI runs.

lint: .venv/dev.done
	$(BIN)/ruff check
	$(BIN)/ruff format --check

tree: ## Lay the four folders out as the one package they install as, for tools that read files.
	rm -rf .work/tree && mkdir -p .work/tree/ragapp
	ln -s $(CURDIR)/ragapp/* $(CURDIR)/indexes $(CURDIR)/ingest $(CURDIR)/evals .work/tree/ragapp/

typecheck: .venv/dev.done tree
	$(BIN)/pyright

contracts: .venv/dev.done tree
	cd .work/tree && PYTHONPATH=. ../../$(BIN)/lint-imports --config ../../pyproject.toml

bench: .venv/dev.done ## Time ingest and asking against the usual recipe, on the sample documents.
	$(BIN)/ragapp bench ingest
	$(BIN)/ragapp bench ask

clean:
	rm -rf .work .venv build *.egg-info
