# make run                  a recipe, end to end; RECIPE=vowels takes another
# make test                 lint, types, import laws, tests
# make test-slow            the tests that take minutes: sweeps, a team's stack, gc, own data, a kill at every write
# make bench                what a teacher costs, whether memory grows with the data, and what each candidate comes to
#                           (bench-cost, bench-memory, bench-compression)
# make bench-quantisation   int8 with and without training on its grid, with fewer and fewer bits, five seeds
# make bench-digits         student with and without its teacher, five seeds (bench-vowels; bench-fashion: three)
# make bench-labels         few labels: the student alone, distilled on them, distilled on all samples (1, 5, 20 %)
# make bench-front          what `make run` shows, ten seeds, each with its interval
# make bench-speakers       `spoken-digits`, each speaker left out in turn, and the published split; two to three hours
# make bench-objectives     every objective on digits and vowels, five seeds
# make bench-registry       four processes that promote and roll back one model 500 times: is there always one champion?
# make bench-sweep          many students in one sweep against as many runs, and one worker against two
# make bench-step           one step of the larger trainings, in fp32 and in bf16
# make bench-start          how long commands take that have nothing to do
# make bench-orchestration  a run against the same stages in one bare process without Prefect, MLflow and DVC
# make bench-side-by-side   what a run costs beside another one, and beside busy cores; for a quiet machine, it only prints
# make bench-threads        a step of training with one thread and with all, over sizes; for a quiet machine, it only prints
# make bench-proofs         every recipe, shortened: does what ships answer on an emulated arm64 as here, and in how many seconds?
# make bench-deferral       is the accuracy kept that a student which defers promises? 200 splits each of three recipes
# make bench-device         one prediction through the device's own code against raw ONNX Runtime
# make bench-serving        what HTTP adds to one prediction, in CPU time
# make year                 a year of weekly retraining with a clock that is moved, with and without a warm start; WEEKS=5 for
#                           a try, MODES=warm for one of both; needs a C compiler
#                           Benchmarks write their tables into docs/benchmarks.md.
# make soak                 a run killed at random moments, a hundred times (KILLS=20): what is lost, doubled or left behind?
# make wheel                dist/stillhouse_edge-*.whl: what a device needs, and nothing else
# make docs                 the manual as a site, in dist/docs
# make screenshot           a picture of a page, for the manual: PAGE=http://... or a file, NAME=mlflow OPTIONS="--width 1600"
# make lock                 resolves all dependencies again: requirements.lock, and the sha256 of each (make hashes, with uv)
# make help                 this list
# make clean                removes what runs made; the next run starts from nothing

PYTHON ?= python3
RECIPE ?= digits
KILLS ?= 100
WEEKS ?= 52
MODES ?= fresh warm
BIN := .venv/bin
UV ?= uv

.PHONY: help docs screenshot run test test-slow lint pytest bench bench-cost bench-memory bench-compression bench-quantisation \
  bench-objectives bench-labels bench-front bench-speakers bench-digits bench-vowels bench-fashion bench-deferral bench-proofs bench-step \
  bench-start bench-sweep bench-registry bench-side-by-side bench-threads bench-device bench-serving bench-orchestration soak year \
  wheel lock hashes clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

run: .venv/installed
	@$(BIN)/stillhouse run params/$(RECIPE).yaml

test: lint pytest

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

pytest: .venv/installed-test
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder -m "not slow"

test-slow: .venv/installed-test
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder -m slow

bench: bench-cost bench-memory bench-compression

bench-cost bench-memory bench-compression bench-quantisation bench-objectives bench-deferral bench-proofs: bench-%: .venv/installed
	$(BIN)/python -m benchmarks.$* --write

bench-digits bench-vowels: bench-%: .venv/installed
	$(BIN)/python -m benchmarks.distillation --recipe $* --write

bench-labels: .venv/installed
	$(BIN)/python -m benchmarks.labels --write

bench-front: .venv/installed
	$(BIN)/python -m benchmarks.labels --front --write

bench-speakers: .venv/installed
	$(BIN)/python -m benchmarks.speakers --write

bench-fashion: .venv/installed
	$(BIN)/python -m benchmarks.distillation --recipe fashion --seeds 3 --one-teacher --write

bench-step bench-threads: bench-%: .venv/installed
	$(BIN)/python -m benchmarks.$*

bench-side-by-side: .venv/installed
	$(BIN)/python -m benchmarks.side_by_side

bench-start: .venv/installed
	$(BIN)/python -m benchmarks.start --write

bench-sweep: .venv/installed-test
	$(BIN)/python -m benchmarks.sweep --write

bench-registry: .venv/installed
	$(BIN)/python -m benchmarks.registry

bench-device: .venv/installed
	$(BIN)/python -m benchmarks.device --write

bench-serving: .venv/installed-test
	$(BIN)/python -m benchmarks.serving --write

bench-orchestration: .venv/installed
	$(BIN)/python -m benchmarks.orchestration --write

soak: .venv/installed
	$(BIN)/python -m benchmarks.soak --kills $(KILLS)

year: .venv/installed
	$(BIN)/python -m benchmarks.year --weeks $(WEEKS) --modes $(MODES) $(if $(filter 52,$(WEEKS)),--write)

wheel: .venv/installed
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist infra/device
	@ls dist/stillhouse_edge-*.whl

.venv/installed: requirements.lock requirements.hashes pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
	  "Stillhouse needs Python 3.11 or later, this is %d.%d; name another one: make PYTHON=python3.11 ..." % v[:2])'
	@echo "Installing into .venv; this takes two to three minutes, and less with uv."
	@$(PYTHON) -m venv .venv
	@$(PYTHON) infra/install.py .venv
	@touch $@

.venv/installed-test: .venv/installed requirements-test.hashes
	@echo "Installing what the tests need."
	@$(PYTHON) infra/install.py .venv --test
	@touch $@

docs: .venv/installed-test
	$(BIN)/python -m manual
	$(BIN)/python -m zensical build --strict

screenshot: .venv/installed
	$(BIN)/python -m manual.screenshots "$(PAGE)" $(NAME) $(OPTIONS)

lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@{ echo "# Exact versions that work together, made by 'make lock'; everything installs with 'pip install -c' this file."; \
	   .venv-lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//'; } > requirements.lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(MAKE) hashes UV=.venv-lock/bin/uv
	rm -rf .venv-lock

# The build of PyTorch and its CUDA libraries depend on the machine, so they are in no list.
hashes: HEADER = \# Made by 'make lock': every file that may be installed, by its sha256. PyTorch is in requirements.lock alone.
hashes: COMPILE = $(UV) pip compile --quiet --universal --generate-hashes -c requirements.lock \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml
hashes: WITHOUT_TORCH = awk '/^[a-zA-Z]/ {drop = /^(torch==|triton==|nvidia-|cuda-)/} !drop'
hashes:
	@{ echo "$(HEADER)"; $(COMPILE) --python-version 3.11 | $(WITHOUT_TORCH); } > requirements.hashes
	@{ echo "$(HEADER)"; $(COMPILE) --all-extras --python-version 3.11 | $(WITHOUT_TORCH) | \
	   awk 'NR == FNR {seen[$$1]; next} /^[a-zA-Z]/ {drop = $$1 in seen} !drop' requirements.hashes -; } > requirements-test.hashes

clean:
	rm -rf .stillhouse data .dvc/cache .dvc/tmp
