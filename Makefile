# Two commands for a person: `make run` and `make test`. The rest serves those who change Siaga.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The builder's chatter helps nobody who just wants to see Siaga; what fails is shown whole.
OR_TELL := > $(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }
# Debian packages that the tests use: an RTSP server that is not ours, a browser, an encoder.
TEST_PACKAGES := gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
	gstreamer1.0-plugins-bad chromium ffmpeg mosquitto

.PHONY: help run test fast lint types bench wheel clean

help:
	@echo "make run    start Siaga on config.example.yaml (no camera needed)"
	@echo "make test   install what the tests need and run all of them"
	@echo "make fast   the tests that need no server, camera or browser"
	@echo "make lint   ruff and mypy"
	@echo "make bench  measure; prints a table and writes bench/results/*.json"
	@echo "make wheel  build dist/siaga-*.whl"

$(BIN)/siaga: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Siaga needs Python 3.11 or newer; set PYTHON=python3.11")'
	@echo "Menyiapkan Siaga, satu sampai dua menit ... (setting up, a minute or two)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip $(OR_TELL)
	@$(PIP) --editable . $(OR_TELL)
	@touch $@

$(VENV)/.tests: pyproject.toml $(BIN)/siaga
	@$(PIP) --editable '.[test]' $(OR_TELL)
	@# An ONVIF camera that is not ours; alone, since the OpenCV that it names may not stand beside ours.
	@$(PIP) --no-deps 'ipycam==1.3.0' $(OR_TELL)
	@touch $@

run: $(BIN)/siaga
	$(BIN)/siaga run config.example.yaml

.PHONY: system-packages
system-packages:
	@sh tests/install_system_packages.sh $(TEST_PACKAGES)

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --no-print-directory types

# mypy wants to see the root folder under the package's name.
types: $(VENV)/.tests
	@mkdir -p .typing && ln -sfn .. .typing/siaga
	MYPYPATH=.typing $(BIN)/mypy -p siaga

fast: $(VENV)/.tests
	$(BIN)/python -m pytest -q -m "not slow"

# Most of a test's time is waiting for real streams and processes: two at a time, each file in one place.
test: system-packages $(VENV)/.tests lint
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

bench: system-packages $(VENV)/.tests
	$(BIN)/python -m bench

wheel: $(BIN)/siaga
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .typing build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
