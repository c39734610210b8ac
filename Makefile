# make demo   train on real digits, no download needed
# make test   run the tests
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/demo

.PHONY: setup demo test lint bench

setup: .venv/current

.venv/current: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	rm -rf $(RUN)
	$(BIN)/python src/train.py experiments=digits_dcgan hydra.run.dir=$(RUN)

test: setup
	$(BIN)/python -m pytest -n 2

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: setup
	$(BIN)/python benchmarks/step_time.py
	$(BIN)/python benchmarks/cache.py
	$(BIN)/python benchmarks/decode.py
