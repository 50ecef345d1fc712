# The two commands: `make run` and `make test`. Everything they need they set up in .venv (Python) and build/ (the rest),
# both ignored by git. pip and apt are used with the machine's own settings.

JOB ?= examples/hello.yml
# the first Python that ansible-core supports as a controller and that can make a virtual environment
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do $$python -c 'import ensurepip, sys, venv; \
	sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; done)

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
STEPS := $(VENV)/bin/python tests/tools/run_steps.py
RUNTIME := $(VENV)/runtime.stamp
TOOLS := $(VENV)/tools.stamp

# a Python path from outside would put other versions before the pinned ones
unexport PYTHONPATH PYTHONHOME
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help run test test-fast lint unit versions sanity molecule bench bench-failures packages clean

help:
	@echo 'make run [JOB=FILE]   run one job on this machine (default: examples/hello.yml)'
	@echo 'make test             every check and test; make test-fast leaves out what needs containers,'
	@echo '                      SKIP=NAME,... make test leaves out scenarios of molecule/'
	@echo 'make lint | unit | versions | sanity | molecule    one part of it'
	@echo 'make bench            the benchmark table;  make clean: remove what make made'
	@echo 'make bench-failures [FILE=LOGS.jsonl]    how many labelled failure logs are explained rightly'

run: $(RUNTIME)
	@bin/pai-runtime run $(JOB)

test: packages $(TOOLS)
	@$(STEPS) lint unit versions sanity molecule

test-fast: $(TOOLS)
	@$(STEPS) lint unit sanity

lint unit versions sanity: $(TOOLS)
	@$(STEPS) $@

molecule: packages $(TOOLS)
	@$(STEPS) molecule

bench: $(TOOLS)
	@$(VENV)/bin/python tests/bench/run.py

bench-failures: $(RUNTIME)
	@$(VENV)/bin/python tests/bench/bench_failures.py $(FILE)

packages:
	@tests/tools/system_packages.sh

$(RUNTIME): requirements.txt constraints.txt
	@test -n '$(PYTHON)' || { echo 'No Python 3.11 to 3.13 that can make a virtual environment was found:' \
		'apt-get install python3 python3-venv, or name one with make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo '== setting up $(VENV) with what the runtime needs'
	@$(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install -qq --requirement requirements.txt
	@touch $@

$(TOOLS): $(RUNTIME) tests/requirements.txt requirements.yml tests/tools/unpack_collections.py
	@echo '== setting up $(VENV) with the test tools and the collections of requirements.yml'
	@$(PIP) install -qq --requirement tests/requirements.txt
	@$(VENV)/bin/python tests/tools/unpack_collections.py requirements.yml $(VENV)/collections
	@touch $@

clean:
	rm -rf $(VENV) build .ansible .pai .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
