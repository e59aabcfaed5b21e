# Hadir: every target works on a machine that has Python >= 3.11 and make; `make` alone explains them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The make that sets up at the moment, so that `make stop` finds it before there is anything else to stop.
SETTING_UP := .setting-up
PYTEST := $(BIN)/pytest
# uv must use the Python it is given, never fetch one of its own.
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Every process of every test would compile all modules anew where the shell forbids bytecode.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run stop test unit simulation contract dates deploy integration failpoints faults faults-long soak e2e lint format lock topics openapi verify-contract consumers verify-k8s verify-k8s-live dashboards verify-monitoring bench bench-long clean
.DELETE_ON_ERROR:

help: ## Show what can be made
	@printf 'Hadir, attendance discipline and TPP deductions. make <target>:\n\n'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nOptions go to run through ARGS, e.g.  make run ARGS="--employees 200 --verbose"\n'

run: $(READY) ## Start Kafka, PostgreSQL and all services, play a sample day, check it, stay up
	@$(BIN)/hadir run $(ARGS)

stop: ## Stop what `make run` started, or left behind
	@if [ "$$(ps -o comm= -p "$$(head -1 $(SETTING_UP) 2>&1)" 2>&1)" = make ]; then kill "$$(head -1 $(SETTING_UP))"; echo 'The setup was stopped; the next make goes on with it.'; \
	elif [ -x $(BIN)/hadir ]; then $(BIN)/hadir stop; else echo 'Nothing runs here: it was never set up.'; fi

test: lint unit simulation contract deploy verify-monitoring integration consumers faults e2e ## Everything: lint, types, unit, contract, manifests, integration, faults (short), end to end

unit: $(READY) ## Rules and decisions; nothing running, seconds
	$(PYTEST) tests/unit

contract: verify-contract ## Golden samples, owners, charters, documents made from declarations, the contract
	$(PYTEST) tests/contract --ignore=tests/contract/test_contract.py

simulation: $(READY) ## The runtime in thousands of seeded runs where every fault has its chance; HADIR_SEEDS=100000 for more
	$(PYTEST) -raP tests/simulation

verify-contract: $(READY) ## The event contract: valid, as the code says, and breaking nobody who built on a release
	@$(BIN)/hadir contract check
	$(PYTEST) tests/contract/test_contract.py

# Left out: tests of processes, whose library waits on the system's own clock and is refused.
dates: $(READY) ## What needs no server, by a clock 20,000 times too fast, over weekends, midnights, the 29th of February; FROM='2026-12-20 12:00:00' for others
	@library=$$($(BIN)/python -c 'from tests.faults.clocks import library; print(library())') || exit 1; \
	TZ=UTC LD_PRELOAD=$$library FAKETIME="@$${FROM:-2028-02-20 12:00:00} x20000" FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 \
	  $(PYTEST) tests/unit tests/simulation tests/contract --ignore=tests/unit/bench --ignore=tests/unit/local --ignore=tests/contract/test_contract.py

consumers: $(READY) ## Consumer kits in five languages on a real broker: duplicates, kills, restarts
	$(PYTEST) tests/consumers

deploy: $(READY) ## Manifests: every overlay is sound, planted errors are found, rights are those declared
	$(PYTEST) tests/deploy

verify-k8s: $(READY) ## Check every overlay of deploy/k8s, or OVERLAYS="path ...", without a cluster
	@$(BIN)/python -m deploy.k8s.verify $(OVERLAYS)

dashboards: $(READY) ## Write Grafana's JSON and the Kubernetes copies of dashboards and rules from their sources
	@$(BIN)/python -m deploy.grafana
	@$(BIN)/python -m deploy.prometheus

verify-monitoring: $(READY) ## Dashboards, alerts, runbooks, canaries: against a real Prometheus that scrapes a running stack
	@$(BIN)/python -m services.local.prometheus
	$(PYTEST) tests/monitoring

verify-k8s-live: $(READY) ## The same by a real API server, built from Go modules the first time (eight minutes)
	@$(BIN)/python -m deploy.k8s.verify.live $(OVERLAYS)

integration: $(READY) ## Each part on a real Kafka and a real PostgreSQL, started by the tests
	$(PYTEST) tests/integration

failpoints: $(READY) ## Kill the runtime and ingest at every named boundary, HADIR_KILLS=20 times each (half an hour); counts into docs/faults.md
	HADIR_KILLS=$${HADIR_KILLS:-20} HADIR_FAILPOINTS=docs \
	  $(PYTEST) -s tests/integration/streaming/test_failpoints.py tests/integration/ingest/test_failpoints.py
	@$(BIN)/python -m tests.faults.run --merge docs/faults.json --write docs

faults: $(READY) ## Kills, a fault of each kind, a failover, an upgrade and back under load, mutants; HADIR_FAULT_CYCLES, HADIR_FAULT_SEED for more
	$(PYTEST) -raP -p no:logging tests/faults

faults-long: $(READY) ## Faults of the matrix at random for hours, into docs/faults.md, which says where the others are tried: ARGS="--cycles 1200 --hours 3", ARGS=--help for more
	@$(BIN)/python -m tests.faults.run --write docs $(ARGS)

soak: $(READY) ## Hours of steady load: memory, descriptors, connections, disk and their slopes; ARGS="--soak 2 --soak-rate 300 --write docs"
	@$(BIN)/python -m tests.faults.run --cycles 0 --house one --soak 2 $(ARGS)

e2e: $(READY) ## The whole house: one check-in through eight hops, and `hadir run` itself
	$(PYTEST) tests/e2e

bench: $(READY) ## Figures beside their references, into docs/benchmarks.md; on a machine that does nothing else
	@$(BIN)/hadir bench

bench-long: $(READY) ## The same with large sizes: hours
	@$(BIN)/hadir bench --long

lint: $(READY) ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Let ruff format and tidy the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

topics: $(READY) ## Write the README's table, Kubernetes' topics and users, and the contract from shared/topics.py
	@$(BIN)/hadir topics docs --write README.md
	@$(BIN)/hadir topics manifests --write deploy/k8s/base/kafka
	@$(BIN)/python -m deploy.prometheus
	@cd deploy/k8s/components/outsiders && $(CURDIR)/$(BIN)/hadir topics manifests --outsiders outsiders.yaml --write .
	@$(BIN)/hadir contract write

openapi: $(READY) ## Write docs/openapi*.json, what the HTTP APIs promise, from the code
	@$(BIN)/python -m services.ingest openapi > docs/openapi.json
	@for service in geofence schedule payroll reports; do $(BIN)/python -m services.$$service api --openapi > docs/openapi-$$service.json; done

setup: $(READY) ## Create .venv with the locked, hash-checked packages

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo 'Setting up $(VENV) (once, and after a change of requirements.lock) ...'
	@echo $$PPID > $(SETTING_UP); date +%s >> $(SETTING_UP)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@awk '/^[^ #]/ {wanted = /^uv==/} wanted' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock || { \
	  echo 'The packages could not be fetched: is there a network? (pip.conf and PIP_INDEX_URL name a mirror.)' >&2; exit 1; }
	@$(BIN)/uv pip sync --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock || { \
	  echo 'The packages could not be fetched: is there a network? (UV_DEFAULT_INDEX names a mirror.)' >&2; exit 1; }
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@echo "Set up after $$(($$(date +%s) - $$(tail -1 $(SETTING_UP)))) s."; rm -f $(SETTING_UP); touch $@

lock: $(READY) ## Resolve versions anew: requirements.lock and Kafka's jars (needs the network)
	env -u UV_FIND_LINKS -u PIP_FIND_LINKS $(BIN)/uv pip compile --quiet --upgrade --universal --all-extras --generate-hashes \
	  --no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml
	$(BIN)/python -m services.local.downloads

clean: stop ## Remove data, caches and the environment; keeps the downloads shared by all clones
	rm -rf .hadir $(SETTING_UP) $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
