# Everything on a fresh machine with Python 3.11 or newer and make. `make help` lists what there is.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
LOWEST := .venv-lowest
DROP_IN := .venv-drop-in
TRACKING := .venv-tracking
FAST := tests/labels tests/metrics tests/losses tests/data tests/test_config.py tests/test_architecture.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-slow test-lowest test-drop-in test-tracking dist-check release test-ranks test-kill \
	test-kill-review test-kill-review-page fuzz soak audit lint constraints bench bench-review bench-predict walk \
	docs docs-long docs-links gallery growth results results-tuned recipe gpu openimages-shape openimages-training clean

help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.core

$(VENV)/.docs: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --editable '.[docs,review,export]'
	@touch $@ $(VENV)/.core

$(LOWEST)/.dev: pyproject.toml benchmarks/lowest.py
	$(PYTHON) -m venv --clear $(LOWEST)
	$(PYTHON) benchmarks/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/pip install --quiet --constraint $(LOWEST)/lowest.txt --editable '.[dev]'
	@touch $@

$(DROP_IN)/.dev: pyproject.toml
	$(PYTHON) -m venv $(DROP_IN)
	$(DROP_IN)/bin/pip install --quiet --editable '.[dev]' lightning transformers
	@touch $@

$(TRACKING)/.dev: pyproject.toml
	$(PYTHON) -m venv $(TRACKING)
	$(TRACKING)/bin/pip install --quiet --editable '.[dev,tracking]'
	@touch $@

demo: $(VENV)/.core ## Trains on handwritten digits and writes a report: three minutes.
	$(RUN)/largeloss demo

test: $(VENV)/.dev ## ruff, mypy, deptry, import contracts and the whole suite.
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/deptry src
	$(RUN)/lint-imports
	OMP_NUM_THREADS=1 $(RUN)/pytest --numprocesses 2 --dist loadfile

test-fast: $(VENV)/.dev ## Tests of labels, metrics, losses, data and settings: a minute.
	OMP_NUM_THREADS=1 $(RUN)/pytest --numprocesses 2 $(FAST)

test-lowest: $(LOWEST)/.dev ## The suite at the lowest versions that pyproject.toml allows; warnings pass.
	OMP_NUM_THREADS=1 $(LOWEST)/bin/pytest -W default --numprocesses 2 --dist loadfile

test-drop-in: $(DROP_IN)/.dev ## docs/guides/drop-in.md with Lightning and Transformers, which it installs.
	OMP_NUM_THREADS=1 $(DROP_IN)/bin/pytest -W default tests/docs/test_drop_in.py

test-tracking: $(TRACKING)/.dev ## Trackers with wandb and mlflow, which it installs; without a network.
	OMP_NUM_THREADS=1 $(TRACKING)/bin/pytest -W default tests/tracking

dist-check: $(VENV)/.dev ## Builds wheel and sdist, checks both, trains from the wheel in an empty environment.
	$(RUN)/pip install --quiet build twine
	$(RUN)/python release/dist_check.py

release: $(VENV)/.dev ## VERSION=1.2.0: version, changelog, wheel and sdist, commit, tag; publishes nothing.
	$(RUN)/pip install --quiet build
	$(RUN)/python release/make_release.py $(VERSION)

test-slow: $(VENV)/.dev ## What `make test` leaves out for its length: benchmarks in a small form.
	OMP_NUM_THREADS=1 $(RUN)/pytest -m slow --numprocesses 2

test-ranks: $(VENV)/.dev ## Four processes, on one host and on two network namespaces (root), equal one.
	OMP_NUM_THREADS=1 $(RUN)/pytest -m ranks --numprocesses 0 --timeout 900

test-kill: $(VENV)/.core ## Training killed 200 times, also within saves, comes out the same.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/kill_sweep.py

test-kill-review: $(VENV)/.dev ## The server of a review, killed 200 times in mid-click, loses no answer.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/kill_review.py

test-kill-review-page: $(VENV)/.dev ## The review's server killed 50 times while somebody clicks in Chromium.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/kill_review_page.py

fuzz: $(VENV)/.dev ## Every reader on 20,000 damaged files: a message, or nothing at all.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/fuzz.py

soak: $(VENV)/.core ## Half an hour of small trainings in one process: memory, files and threads stay.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/soak.py

audit: $(VENV)/.dev ## Known vulnerabilities of what is installed; needs the network.
	$(RUN)/pip install --quiet pip-audit
	$(RUN)/python benchmarks/audit.py

lint: $(VENV)/.dev ## Formats, fixes what can be fixed, checks spelling and types.
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .
	$(RUN)/codespell
	$(RUN)/mypy

constraints: $(VENV)/.dev ## Writes constraints.txt: the versions that are installed in .venv.
	$(RUN)/pip freeze --exclude-editable | grep '==' > constraints.txt

bench: $(VENV)/.dev ## Speed and memory beside plain formulations; needs LARGELOSS_DATA, a quiet machine.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/performance --page

bench-review: $(VENV)/.dev ## The server of a review with 100,000 images and four reviewers.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/review.py

bench-predict: $(VENV)/.core ## Images per second of predict beside decoding; memory of a million paths.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/prediction.py

walk: $(VENV)/.core ## Files and calls between files from `largeloss train` to the first cross-entropy.
	$(RUN)/python benchmarks/walk.py

docs: $(VENV)/.docs ## The site, into docs/_build/html: its cells are executed, its links checked.
	OMP_NUM_THREADS=1 $(RUN)/python docs/_ext/build.py

docs-long: $(VENV)/.docs gallery ## The same with the cells that take minutes or need LARGELOSS_DATA.
	OMP_NUM_THREADS=1 $(RUN)/python docs/_ext/build.py --long

gallery: $(VENV)/.docs ## Reports for docs/gallery.md: minutes; those of photographs need LARGELOSS_DATA.
	OMP_NUM_THREADS=1 $(RUN)/python docs/_ext/largeloss_docs/gallery.py

docs-links: $(VENV)/.docs ## Asks the network whether the addresses outside the site are there.
	$(RUN)/python docs/_ext/build.py --links

growth: $(VENV)/.core ## How cost grows with images, classes and processes: writes docs/reference/growth.svg.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/growth.py

results: $(VENV)/.core ## Memorisation, corrections, tags, pointing: docs/reference/results-analyses.md; continues.
	$(RUN)/python benchmarks/results.py

results-tuned: $(VENV)/.core ## Every method tuned alike: writes docs/reference/results.md; continues; a day of two cores.
	$(RUN)/python benchmarks/results_tuned.py

recipe: $(VENV)/.core ## What each step of the recipe is worth on digit scenes: an hour of one core.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/recipe.py --out runs/recipe

gpu: $(VENV)/.dev ## All that waits for a GPU: writes docs/reference/gpu.md; needs LARGELOSS_DATA; continues.
	$(RUN)/python benchmarks/gpu.py

openimages-shape: $(VENV)/.core ## Lists in the shape of OpenImages V3 at full size (5 GB): time and memory.
	$(RUN)/python benchmarks/openimages_shape.py

openimages-training: $(VENV)/.core ## A training with a tenth of OpenImages' images: minutes.
	OMP_NUM_THREADS=1 $(RUN)/python benchmarks/openimages_training.py

clean: ## Removes the environments and what was built.
	rm -rf $(VENV) $(LOWEST) $(DROP_IN) $(TRACKING) build dist docs/_build docs/_generated
