# Teal: what a person does here. `make help` lists it.
# Everything is installed into .venv; nothing is needed beforehand but python3 (>= 3.11) with venv, and make.

PYTHON ?= python3
VENV ?= .venv
# What a deploy needs is less than what the tests need: `make setup REQUIREMENTS=requirements.txt`.
REQUIREMENTS ?= requirements-dev.txt
# A certain version of the package ansible, such as 12.*; empty for the newest that is supported.
ANSIBLE ?=
ENVIRONMENT ?= staging
SCENARIOS ?= test staging production
STAMP := $(VENV)/.installed
IN_VENV := PATH="$$PWD/$(VENV)/bin:$$PATH" PYTHONUNBUFFERED=1
# A command against a rehearsal cloud of its own, which ends with the command.
IN_REHEARSAL = $(IN_VENV) TEAL_REHEARSAL_HOME="$$PWD/.cache/$@" python -m rehearsal run --

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup rehearsal down status demo test test-full lint unit molecule checkov scenarios \
	bench bench-chain bench-switch collection docs new-environment clean

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## install all that is needed, into .venv

# The stamp is written last, so that an interrupted installation starts over.
$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13 …")'
	@echo "installing into $(VENV) (a minute or two, once)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS) $(ANSIBLE:%='ansible==%')
	@touch $@

rehearsal: $(STAMP) ## put up the rehearsal cloud (end it with `make down`)
	@$(IN_VENV) python -m rehearsal up

down: $(STAMP) ## end the rehearsal cloud
	@$(IN_VENV) python -m rehearsal down

demo: $(STAMP) ## build STAGING on the rehearsal cloud, and see a release turn from blue to green under traffic
	@$(IN_VENV) python -m rehearsal.demo --environment $(ENVIRONMENT)

test: lint unit molecule ## the whole test suite (what CI runs)

test-full: test ## and what takes longer: both Pythons, every kill point, every scenario
	@$(MAKE) scenarios

lint: $(STAMP) ## ruff, yamllint, ansible-lint (profile production)
	@$(IN_VENV) ruff check .
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) yamllint --strict .
	@$(IN_VENV) ANSIBLE_INVENTORY=inventories/staging ansible-lint --offline --strict

unit: $(STAMP) ## unit tests
	@$(IN_VENV) pytest tests/unit

molecule: $(STAMP) ## build, build again, verify and destroy each environment on a rehearsal cloud of its own
	@for scenario in $(SCENARIOS); do \
		$(IN_REHEARSAL) molecule test --scenario-name $$scenario || exit 1; done

scenarios: $(STAMP) ## the release engine's scenarios, all of them
	@$(IN_VENV) pytest tests/scenarios

docs: $(STAMP) ## write what in the documentation is made from the data
	@$(IN_VENV) python -m docs.generate

new-environment: $(STAMP) ## make an inventory from another one: make new-environment NAME=qa FROM=staging
	@$(IN_VENV) python tools/new_environment.py "$(NAME)" "$(FROM)"

collection: $(STAMP) ## build the installable collection into dist/
	@$(IN_VENV) ansible-galaxy collection build --force --output-path dist

clean: down ## remove all that was made here, the installation too
	@rm -rf $(VENV) .cache .rehearsal .ansible dist
