# Every target makes .venv first when it is missing or when the pins in envs/ have changed.
PYTHON ?= python3.11
VENV ?= .venv
CONFIG ?= config.yaml
CORES ?= all
TARGETS ?=
SEEDS ?= 1 2 3 4 5

# Says what is wrong with CONFIG, where Snakemake's own reader says less; else results/<experiment>, as CONFIG names it.
CHECK = python scripts/check_configuration.py --configuration $(CONFIG)

# Snakemake plans all that follows a job that it will run. So the data are made first; then, of what follows, only what they changed.
OPTIONS = --cores $(CORES) --scheduler greedy --resources downloads=4 --quiet host reason --rerun-incomplete --show-failed-logs
SNAKEMAKE = snakemake --configfile $(CONFIG) $(OPTIONS)

PINS := envs/torch.txt envs/requirements.txt envs/fairseq.txt
READY := $(VENV)/.ready
BIN := $(VENV)/bin

# Rules and tests call `python` and `snakemake` by name.
export PATH := $(abspath $(BIN)):$(PATH)
# Read where they are set: tests on real data, and on inputs that once failed, skip without them.
ifneq ($(XLPROBE_DATA),)
export XLPROBE_DATA := $(abspath $(XLPROBE_DATA))
endif
ifneq ($(XLPROBE_CASES),)
export XLPROBE_CASES := $(abspath $(XLPROBE_CASES))
endif

.PHONY: help setup demo sources run accept report check test test-workflow test-units test-faults test-faults-jobs test-faults-others \
	test-mutants bench relatives lint format docs lock clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(READY) ## Make the environment in .venv (a few minutes)

# Three steps: torch at its pin (from the CPU index, if pip is told so), the lock, fairseq without its outdated needs.
$(READY): $(PINS)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r envs/torch.txt
	$(BIN)/python -m pip install --quiet -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -r envs/fairseq.txt
	echo 'export SNAKEMAKE_PROFILE="$(CURDIR)/config/local"' >> $(VENV)/bin/activate
	touch $@

demo: ## Make the default run and its report: invented languages, nothing to download (10 minutes)
	@$(MAKE) --no-print-directory run CONFIG=config.yaml
	@$(MAKE) --no-print-directory report CONFIG=config.yaml
	@echo; echo "The demo is done. Read results/demo/RESULTS.md, or open results/demo/report.html in a browser; look at the figures in"
	@echo "results/demo/figures/xlmr/, and at the tables in results/demo/metrics/."

sources: $(READY) ## List what CONFIG needs from upstream; `make run TARGETS=sources` fetches it
	@python scripts/list_sources.py --configuration $(CONFIG)

run: $(READY) ## Make every target of CONFIG (default: config.yaml) on this machine
	@$(CHECK) > /dev/null
	$(if $(TARGETS),,$(SNAKEMAKE) data)
	$(SNAKEMAKE) $(TARGETS)

accept: $(READY) ## Take finished results of CONFIG as made by the present code and settings, true or not
	@$(CHECK) > /dev/null
# Of what is not finished, tables that lack a part would count as whole.
	@planned=$$(snakemake --configfile $(CONFIG) --rerun-triggers input mtime --dry-run $(TARGETS) 2>&1); \
		echo "$$planned" | grep -q "Nothing to be done" || { echo "$$planned" | grep "^error: " >&2 || \
		echo "error: $(CONFIG): something is missing, or was made of other files; name files that are finished, as TARGETS=..." >&2; exit 1; }
	@echo "What is finished of $(CONFIG) now counts as made by the present code and settings, and nothing checks that it was: where"
	@echo "an edit changes numbers, old ones stand beside new ones. What is to be made anew nevertheless has to be deleted."
	@snakemake --configfile $(CONFIG) --cores 1 --quiet all --touch $(TARGETS)

report: $(READY) ## Gather findings and figures of a finished CONFIG in results/<experiment>/report.html
	@results=$$($(CHECK)) && snakemake --configfile $(CONFIG) --report $$results/report.html

check: $(READY) ## Read all results of CONFIG whole, and say which files are damaged and what to delete
	@python scripts/check_results.py --configuration $(CONFIG)

test: $(READY) ## Run the tests; those on real data need XLPROBE_DATA
	@$(MAKE) --no-print-directory --jobs 2 test-workflow test-units

# Two at a time, of about the same length: either alone leaves cores idle.
test-workflow: $(READY)
	OMP_NUM_THREADS=1 python -m pytest workflow_tests/workflow --ignore=workflow_tests/workflow/test_cases.py

test-units: $(READY)
	OMP_NUM_THREADS=1 python -m pytest workflow_tests/unit scripts/xlprobe workflow_tests/workflow/test_cases.py

test-faults: $(READY) ## Kill, fill disks, change and damage everything (25 minutes; 3 with XLPROBE_FAULTS=short)
	@$(MAKE) --no-print-directory --jobs 2 test-faults-jobs test-faults-others

# Two at a time, as above: those that harm the jobs of a finished run, and all others.
FAULTS_OF_JOBS := $(addprefix workflow_tests/faults/test_,kills.py machines.py changed_inputs.py wrong_science.py)

test-faults-jobs: $(READY)
	OMP_NUM_THREADS=1 python -m pytest $(FAULTS_OF_JOBS)

test-faults-others: $(READY)
	OMP_NUM_THREADS=1 python -m pytest workflow_tests/faults $(addprefix --ignore=,$(FAULTS_OF_JOBS))

test-mutants: $(READY) ## Plant small faults in what touches numbers; the tests must see 95 % (10 minutes)
	python workflow_tests/mutants/run_mutants.py

bench: $(READY) ## Measure the speed claims, each after an equality check, and how often intervals hold the truth
	OMP_NUM_THREADS=1 python -m pytest workflow_tests/benchmarks -s

# A run a seed, of what the comparison reads alone; a file with what differs stands beside the configuration.
RELATIVES = config/relatives.yaml
relatives: $(READY) ## Hold signatures against a known truth: relatives are closer than strangers, in worlds of SEEDS (20 minutes)
	@set -e; for seed in $(SEEDS); do run=results/relatives_$$seed; mkdir -p $$run; \
		printf 'experiment: relatives_%s\nworld: {seed: %s}\n' $$seed $$seed > $$run/seed.yaml; \
		snakemake --configfile $(RELATIVES) $$run/seed.yaml $(OPTIONS) -- $$run/metrics/signatures.parquet; done
	@python scripts/compare_relatives.py --results $(SEEDS:%=results/relatives_%) \
		--runs results/relatives/runs.csv --over-runs results/relatives/over_runs.csv

lint: $(READY) ## Check style, types and the workflow
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

format: $(READY) ## Apply the style
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

docs: $(READY) ## Make docs/choices.md from the configuration's schema
	python scripts/list_choices.py --schema schemas/config.schema.yaml --output docs/choices.md

lock: ## Resolve envs/requirements.in anew into the pins
	bash envs/lock.sh $(PYTHON)

clean: ## Remove the environment; results stay
	rm -rf $(VENV)
