# make demo   train on real digits, no download needed
# make test   run the tests
# make floors run them with the oldest releases of what pyproject.toml asks for
# make docs   build the site of the documentation in site/
# make audit  look the pinned packages up among the known vulnerabilities; needs a network
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/demo
ORACLES := torch-fidelity==0.4.0 pytorch-fid==0.3.0 clean-fid==0.1.35 cd-fvd==0.1.1 prdc==0.2 einops==0.8.2 \
	normflows==1.7.3

.PHONY: setup demo test floors docs crosscheck lint audit bench

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
	$(BIN)/python -m pytest -n 2 --dist worksteal

floors: .floors/current
	.floors/bin/python -m pytest -n 2 --dist worksteal

.floors/current: pyproject.toml
	$(PYTHON) -m venv .floors
	grep -oE '"[a-z0-9-]+>=[0-9.]+' pyproject.toml | sed 's/"//; s/>=/==/' > .floors/constraints.txt
	.floors/bin/python -m pip install --quiet --constraint .floors/constraints.txt --editable '.[dev]'
	touch $@

# The variable silences a notice of mkdocs-material that has nothing to do with these pages.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --config-file docs/mkdocs/mkdocs.yml

.venv/docs: .venv/current
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

# The metrics beside those of public packages, which call functions that SciPy 1.18 has dropped.
crosscheck: setup .oracles/current
	PYTHONPATH=.oracles/pinned FRAMEGAN_ORACLES=.oracles $(BIN)/python -m pytest tests/crosscheck

.oracles/current: Makefile
	$(BIN)/python -m pip install --quiet --upgrade --no-deps --target .oracles $(ORACLES)
	$(BIN)/python -m pip install --quiet --upgrade --no-deps --target .oracles/pinned 'scipy<1.18'
	touch $@

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

audit: .audit/current
	.audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

.audit/current:
	$(PYTHON) -m venv .audit
	.audit/bin/pip install --quiet pip-audit
	touch $@

bench: setup
	$(BIN)/python benchmarks/step_time.py
	$(BIN)/python benchmarks/cache.py
	$(BIN)/python benchmarks/decode.py
	$(BIN)/python benchmarks/images.py
	$(BIN)/python benchmarks/distances.py
	$(BIN)/python benchmarks/generate.py
