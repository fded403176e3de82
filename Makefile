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
# `make test-full` runs the main job on this one, too.
OTHER_PYTHON ?= python3.13
STAMP := $(VENV)/.installed
IN_VENV := PATH="$$PWD/$(VENV)/bin:$$PATH" PYTHONUNBUFFERED=1
# Scenarios wait more than they work. Those of one file share its clouds and follow each other.
SIDE_BY_SIDE = --numprocesses 4 --dist loadfile
# A command against a rehearsal cloud of its own, which ends with the command.
IN_REHEARSAL = $(IN_VENV) TEAL_REHEARSAL_HOME="$$PWD/.cache/$@" env -u KUBECONFIG python -m rehearsal run --

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup rehearsal down demo demo-application test test-full static lint sanity unit flow molecule checkov scenarios scenarios-cluster \
	bench bench-chain bench-tasks bench-switch warm application application-boot-three spring-boot-facts collection release-notes docs count-modules new-environment clean

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

demo-application: application $(STAMP) ## the same with a Spring Boot service and a real database: migrations, streaming answers
	@$(IN_VENV) python -m rehearsal.demo_application --environment $(ENVIRONMENT)

test: SELECTED = -m "not long"
test: static unit ## the test suite without what takes long (what CI runs)
	@$(IN_VENV) env -u KUBECONFIG pytest tests/scenarios $(SIDE_BY_SIDE) $(SELECTED)

# Each death meets each kind of next run.
test-full: export RELEASE_DEATHS = all
test-full: static unit warm scenarios ## and what takes longer: every death and fault, the main job on the other Python
	@$(MAKE) VENV=.venv-other PYTHON=$(OTHER_PYTHON) SCENARIOS=staging sanity unit molecule

# Side by side, for each is mostly one process.
static: $(STAMP) .venv-checkov/.installed
	@$(MAKE) --jobs 2 sanity lint checkov

lint: $(STAMP) ## ruff, yamllint, ansible-lint (profile production)
	@$(IN_VENV) ruff check .
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) yamllint --strict .
	@$(IN_VENV) ANSIBLE_INVENTORY=inventories/staging ansible-lint --offline --strict

sanity: $(STAMP) ## ansible-test sanity on the built collection: all tests, on each supported Python that is installed
	@$(IN_VENV) python tools/sanity.py

# checkov pins libraries that ansible needs newer, so it lives apart.
.venv-checkov/.installed: requirements-checkov.txt
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

checkov: $(STAMP) .venv-checkov/.installed ## checkov on the roles, the manifests and the workflows
	@$(IN_VENV) python tests/manifests.py .cache/manifests
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml --directory . --framework ansible github_actions dockerfile
	@# checkov's schema does not know concurrency's `queue`: it leaves out such a workflow in silence, so it reads a copy without.
	@mkdir -p .cache/workflows/.github/workflows
	@for file in $$(grep -l '^ *queue: max$$' .github/workflows/*.yml); do \
		sed '/^ *queue: max$$/d' "$$file" > ".cache/workflows/$$file"; done
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml --directory .cache/workflows --framework github_actions
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml --directory .cache/manifests --framework kubernetes

unit: $(STAMP) ## unit tests
	@$(IN_VENV) pytest tests/unit --numprocesses 2 $(SELECTED)

molecule: $(STAMP) ## build, build again, verify and destroy each environment on a rehearsal cloud of its own
	@for scenario in $(SCENARIOS); do \
		$(IN_REHEARSAL) molecule test --scenario-name $$scenario || exit 1; done

flow: $(STAMP) ## the delivery flow: the workflows as they are, through all three environments
	@$(IN_VENV) env -u KUBECONFIG pytest tests/scenarios/test_flow.py

scenarios: $(STAMP) ## all scenarios: environments, releases, the delivery flow, the documentation typed
	@$(IN_VENV) env -u KUBECONFIG pytest tests/scenarios $(SIDE_BY_SIDE)

scenarios-cluster: $(STAMP) ## the release engine's scenarios on the cluster that KUBECONFIG names (docs/rehearsal.md)
	@: $${KUBECONFIG:?names no cluster: make scenarios-cluster KUBECONFIG=...}
	@: $${TEAL_REHEARSAL_IMAGE_COMMAND:?is needed, see docs/rehearsal.md}
	@$(IN_VENV) pytest tests/scenarios/test_release.py tests/scenarios/test_release_surroundings.py

# The benchmarks write their figures into docs/benchmarks.md.
bench: $(STAMP) ## STAGING by a boto3 script, and by site.yml with the connections warm and local: medians and ratios
	@$(IN_REHEARSAL) python tests/benchmarks/bench.py

bench-chain: $(STAMP) ## STAGING and PRODUCTION where AWS takes its time, beside the longest chain
	@$(IN_VENV) TEAL_REHEARSAL_HOME="$$PWD/.cache/$@" python tests/benchmarks/chain.py

bench-tasks: $(STAMP) ## 40 AWS tasks by the connections local and warm, in turn: medians and ratios
	@$(IN_VENV) python tests/benchmarks/warm.py 3

bench-switch: $(STAMP) ## requests lost in 100 switches, beside a rolling update and a Service selector
	@$(IN_REHEARSAL) python tests/benchmarks/switch.py

# The reference service needs no Python, and nothing else here needs Java.
application: ## build examples/application and run its tests (needs a JDK, 17 or newer, and Maven)
	@command -v mvn >/dev/null && command -v javac >/dev/null || { \
		echo "make application needs a JDK (17 or newer) and Maven." \
			"Debian, Ubuntu: apt-get install openjdk-17-jdk-headless maven. macOS: brew install openjdk@17 maven" >&2; exit 1; }
	@cd examples/application && mvn --batch-mode --quiet $(BOOT) verify

application-boot-three: ## the same on Spring Boot 3.5, into examples/application/target-boot-3
	@$(MAKE) application BOOT=-Dboot-3

spring-boot-facts: ## what Spring Boot does at its start and its end, into docs/spring-boot.md (needs a JDK, Maven, root)
	@$(PYTHON) tests/benchmarks/spring_boot.py

warm: $(STAMP) ## that the connection warm gives the results of local, to the letter
	@$(IN_VENV) pytest tests/integration/warm

count-modules: $(STAMP) ## print the tasks of a build by upstream and own modules, and the lines of own modules
	@$(IN_VENV) python -m docs.generate --figures

docs: $(STAMP) ## write what in the documentation is made from the data
	@$(IN_VENV) python -m docs.generate

new-environment: $(STAMP) ## make an inventory from another one: make new-environment NAME=qa FROM=staging
	@$(IN_VENV) python tools/new_environment.py "$(NAME)" "$(FROM)"

collection: $(STAMP) ## build the installable collection into dist/
	@$(IN_VENV) ansible-galaxy collection build --force --output-path dist

release-notes: $(STAMP) ## what the changelog tells of a version, into dist/notes.md: make release-notes VERSION=0.1.0
	@mkdir -p dist
	@$(IN_VENV) antsibull-changelog generate --only-latest --output dist/notes.md "$(VERSION)"

clean: down ## remove all that was made here, the installation too
	@rm -rf $(VENV) .cache .rehearsal .ansible dist
