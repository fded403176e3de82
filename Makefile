# Teal: the commands for developers. `make help` lists them.
# Everything is installed into .venv. Required beforehand: make, and python3 (>= 3.11) with venv.

PYTHON ?= python3
VENV ?= .venv
# A deploy needs fewer packages than the tests: `make setup REQUIREMENTS=requirements.txt`.
REQUIREMENTS ?= requirements-dev.txt
# The version of the package ansible, such as 12.*; empty for the newest supported version.
ANSIBLE ?=
ENVIRONMENT ?= staging
SCENARIOS ?= test staging production
# `make test-full` runs the main playbook on this Python too.
OTHER_PYTHON ?= python3.13
STAMP := $(VENV)/.installed
IN_VENV := PATH="$$PWD/$(VENV)/bin:$$PATH" PYTHONUNBUFFERED=1
# Scenarios mostly wait, so they run in parallel. The scenarios of one file share its emulators and run in sequence.
SIDE_BY_SIDE = --numprocesses 4 --dist loadfile
# Runs a command against a separate emulator, which stops with the command.
IN_REHEARSAL = $(IN_VENV) TEAL_REHEARSAL_HOME="$$PWD/.cache/$@" env -u KUBECONFIG python -m rehearsal run --

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup rehearsal down demo demo-application test test-full static lint sanity unit flow molecule checkov scenarios scenarios-cluster \
	plain-words bench bench-chain bench-tasks bench-switch warm application application-boot-three spring-boot-facts collection release-notes docs count-modules new-environment clean

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## install all requirements into .venv

# The stamp is written last, so that an interrupted installation starts over.
$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13 …")'
	@echo "installing into $(VENV) (a minute or two, once)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS) $(ANSIBLE:%='ansible==%')
	@touch $@

rehearsal: $(STAMP) ## start the local emulator (stop it with `make down`)
	@$(IN_VENV) python -m rehearsal up

down: $(STAMP) ## stop the local emulator
	@$(IN_VENV) python -m rehearsal down

demo: $(STAMP) ## build STAGING on the local emulator, release a version under load, and roll it back
	@$(IN_VENV) python -m rehearsal.demo --environment $(ENVIRONMENT)

demo-application: application $(STAMP) ## run the demo with a Spring Boot service and a real database: migrations, streaming answers
	@$(IN_VENV) python -m rehearsal.demo_application --environment $(ENVIRONMENT)

test: SELECTED = -m "not long"
test: static unit ## run the test suite without the long tests (as CI does)
	@$(IN_VENV) env -u KUBECONFIG pytest tests/scenarios $(SIDE_BY_SIDE) $(SELECTED)

# Combines every point at which a release can be killed with every kind of next run.
test-full: export RELEASE_DEATHS = all
test-full: static unit warm scenarios ## run all tests: every kill point and fault, and the main playbook on the other Python
	@$(MAKE) VENV=.venv-other PYTHON=$(OTHER_PYTHON) SCENARIOS=staging sanity unit molecule

# In parallel: each check mostly uses one process.
static: $(STAMP) .venv-checkov/.installed
	@$(MAKE) --jobs 2 sanity lint checkov

lint: $(STAMP) ## run ruff, yamllint, ansible-lint (profile production) and plain-words
	@$(IN_VENV) ruff check .
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) yamllint --strict .
	@$(IN_VENV) ANSIBLE_INVENTORY=inventories/staging ansible-lint --offline --strict
	@$(IN_VENV) python tools/plain_words.py

plain-words: $(STAMP) ## words of the old private vocabulary in texts, with the words to write instead
	@$(IN_VENV) python tools/plain_words.py

sanity: $(STAMP) ## run ansible-test sanity on the built collection: all tests, on each supported Python that is installed
	@$(IN_VENV) python tools/sanity.py

# checkov pins older libraries than ansible needs, so it has a virtual environment of its own.
.venv-checkov/.installed: requirements-checkov.txt
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

checkov: $(STAMP) .venv-checkov/.installed ## run checkov on the roles, the manifests and the workflows
	@$(IN_VENV) python tests/manifests.py .cache/manifests
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml --directory . --framework ansible github_actions dockerfile
	@# checkov's schema lacks `concurrency.queue` and silently skips such workflows, so it reads copies without that key.
	@mkdir -p .cache/workflows/.github/workflows
	@for file in $$(grep -l '^ *queue: max$$' .github/workflows/*.yml); do \
		sed '/^ *queue: max$$/d' "$$file" > ".cache/workflows/$$file"; done
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml --directory .cache/workflows --framework github_actions
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml --directory .cache/manifests --framework kubernetes

unit: $(STAMP) ## run the unit tests
	@$(IN_VENV) pytest tests/unit --numprocesses 2 $(SELECTED)

molecule: $(STAMP) ## build, build again, verify and destroy each environment, each on a separate emulator
	@for scenario in $(SCENARIOS); do \
		$(IN_REHEARSAL) molecule test --scenario-name $$scenario || exit 1; done

flow: $(STAMP) ## run the delivery flow: the unchanged workflows through all three environments
	@$(IN_VENV) env -u KUBECONFIG pytest tests/scenarios/test_flow.py

scenarios: $(STAMP) ## run all scenarios: environments, releases, the delivery flow, the documented commands
	@$(IN_VENV) env -u KUBECONFIG pytest tests/scenarios $(SIDE_BY_SIDE)

scenarios-cluster: $(STAMP) ## run the release engine's scenarios on the cluster in KUBECONFIG (docs/rehearsal.md)
	@: $${KUBECONFIG:?is not set: make scenarios-cluster KUBECONFIG=...}
	@: $${TEAL_REHEARSAL_IMAGE_COMMAND:?is not set, see docs/rehearsal.md}
	@$(IN_VENV) pytest tests/scenarios/test_release.py tests/scenarios/test_release_interrupted.py tests/scenarios/test_release_surroundings.py

# The benchmarks write their figures into docs/benchmarks.md.
bench: $(STAMP) ## benchmark: STAGING built by a boto3 script, and by site.yml with the connections warm and local
	@$(IN_REHEARSAL) python tests/benchmarks/bench.py

bench-chain: $(STAMP) ## benchmark: STAGING and PRODUCTION with AWS's creation times, against the longest dependency chain
	@$(IN_VENV) TEAL_REHEARSAL_HOME="$$PWD/.cache/$@" python tests/benchmarks/chain.py

bench-tasks: $(STAMP) ## benchmark: 40 AWS tasks with the connections local and warm: medians and ratios
	@$(IN_VENV) python tests/benchmarks/warm.py 3

bench-switch: $(STAMP) ## benchmark: requests lost in 100 switches, by a rolling update, and by a Service selector
	@$(IN_REHEARSAL) python tests/benchmarks/switch.py

# The reference service needs Java but no Python; nothing else here needs Java.
application: ## build examples/application and run its tests (needs a JDK, 17 or newer, and Maven)
	@command -v mvn >/dev/null && command -v javac >/dev/null || { \
		echo "make application needs a JDK (17 or newer) and Maven." \
			"Debian, Ubuntu: apt-get install openjdk-17-jdk-headless maven. macOS: brew install openjdk@17 maven" >&2; exit 1; }
	@cd examples/application && mvn --batch-mode --quiet $(BOOT) verify

application-boot-three: ## build and test examples/application on Spring Boot 3.5, into target-boot-3
	@$(MAKE) application BOOT=-Dboot-3

spring-boot-facts: ## measure how Spring Boot starts and stops, and write docs/spring-boot.md (needs a JDK, Maven, root)
	@$(PYTHON) tests/benchmarks/spring_boot.py

warm: $(STAMP) ## test that the connections warm and local return identical results
	@$(IN_VENV) pytest tests/integration/warm

count-modules: $(STAMP) ## print the tasks of a build by upstream and own modules, and the lines of own modules
	@$(IN_VENV) python -m docs.generate --figures

docs: $(STAMP) ## generate the generated parts of the documentation
	@$(IN_VENV) python -m docs.generate

new-environment: $(STAMP) ## create an inventory from another one: make new-environment NAME=qa FROM=staging
	@$(IN_VENV) python tools/new_environment.py "$(NAME)" "$(FROM)"

collection: $(STAMP) ## build the installable collection into dist/
	@$(IN_VENV) ansible-galaxy collection build --force --output-path dist

release-notes: $(STAMP) ## write the changelog of a version to dist/notes.md: make release-notes VERSION=0.1.0
	@mkdir -p dist
	@$(IN_VENV) antsibull-changelog generate --only-latest --output dist/notes.md "$(VERSION)"

clean: down ## remove all generated files and .venv
	@rm -rf $(VENV) .cache .rehearsal .ansible dist
