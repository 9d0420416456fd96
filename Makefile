# Everything on a fresh machine with Python 3.11 or newer and make:
#   make demo    train on digit scenes and write a report
#   make test    run the whole suite

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

.PHONY: demo test test-ranks test-kill fuzz soak audit lint bench growth results openimages-shape openimages-training clean

$(VENV)/.core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.core

demo: $(VENV)/.core
	$(RUN)/largeloss demo

test: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/deptry src
	$(RUN)/lint-imports
	OMP_NUM_THREADS=1 $(RUN)/pytest --numprocesses 2 --dist loadfile

# Four processes, on one host and on two network namespaces (needs root), equal one.
test-ranks: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(RUN)/pytest -m ranks --numprocesses 0 --timeout 900

# Training killed 200 times, also within saves, comes out the same; goes on where it stopped.
test-kill: $(VENV)/.core
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/kill_sweep.py

# Every reader on 20,000 damaged files: a message, or nothing at all.
fuzz: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/fuzz.py

# Half an hour of small trainings in one process: memory, files and threads stay as they are.
soak: $(VENV)/.core
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/soak.py

# Known vulnerabilities of what is installed; needs the network.
audit: $(VENV)/.dev
	$(RUN)/pip install --quiet pip-audit
	$(RUN)/python benchmarks/audit.py

lint: $(VENV)/.dev
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .
	$(RUN)/mypy

# Speed and memory beside plain formulations: prints a table; needs LARGELOSS_DATA, a quiet machine.
bench: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/performance --page

# How cost grows with images, classes and processes: writes docs/growth.svg.
growth: $(VENV)/.core
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/growth.py

# All systems on all data: writes docs/results.md; needs LARGELOSS_DATA, goes on where it stopped.
results: $(VENV)/.core
	$(RUN)/python benchmarks/results.py

# Lists in the shape of OpenImages V3 at full size (5 GB), imported and checked: time and memory.
openimages-shape: $(VENV)/.core
	$(RUN)/python benchmarks/openimages_shape.py

# A training with a tenth of OpenImages' images, from lists to the groups' table: minutes.
openimages-training: $(VENV)/.core
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/openimages_training.py

clean:
	rm -rf $(VENV) build dist
