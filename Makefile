# make demo    set up, then the whole way from images to an inspected line, into demo/
# make test    set up, then all tests
# make check   set up, then style, types and import rules
# make audit   known vulnerabilities of the pinned packages (asks a database on the internet)
#
# VENV=DIR uses another environment than .venv; DEMO=DIR writes the demo elsewhere.

VENV ?= .venv
PYTHON ?= python3
DEMO ?= demo
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check format audit browser postgres broker

demo: $(READY)
	$(BIN)/inspect demo --out $(DEMO)

test: $(READY) browser postgres broker
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

audit: $(READY)
	$(BIN)/pip-audit --skip-editable

# Installs again only when what is asked for has changed.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt \
		--editable '.[train,demo,dev,cluster,postgres,sign-on]'
	touch $(READY)

# The station's tests drive a real browser.
browser:
	@command -v chromium >/dev/null || bash .ci/install_browser

# The store's tests start a server of their own, in a temporary folder.
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || bash .ci/install_postgres

# The tests of messages to the plant start an MQTT broker of their own.
broker:
	@test -x /usr/sbin/mosquitto || command -v mosquitto >/dev/null || bash .ci/install_broker
