# 医靠 Yikao. Needs Python 3.11 or newer and make; everything else is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
PYTHON_FILES := $(shell git ls-files '*.py' 2>/dev/null)
LINES_MAX := 400

# uv installs five times as fast; where it cannot be had or fails, pip does the same.
comma := ,
space := $() $()
extras = .[$(subst $(space),$(comma),$(1))]
install = { $(PIP) install --quiet uv && \
  $(BIN)/uv pip install --quiet --python $(BIN)/python --editable '$(extras)'; } 2>/dev/null || \
  $(PIP) install --quiet --editable '$(extras)'

# Where it is set, each process compiles every module anew, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test torture check bench bluez gates format clean
.DEFAULT_GOAL := help

help: ## this list
	@echo '医靠 Yikao: from a cuff at home to a doctor who answers'
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(RUNTIME) ## the whole product with simulated homes, until Ctrl-C (ARGS='--seconds 60')
	@$(BIN)/yikao demo $(ARGS)

# Each worker takes whole files, in random order, and has servers of its own.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: $(DEVELOPMENT) ## all tests (ARGS='-k feed')
	$(PYTEST) $(ARGS)

torture: $(DEVELOPMENT) ## all tests, with twenty times the random examples (ARGS='tests/alerts')
	$(PYTEST) --hypothesis-profile=torture $(ARGS)

check: $(DEVELOPMENT) ## format, lint, types, layers, file length
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@long=$$(wc -l $(PYTHON_FILES) | awk '$$2 != "total" && $$1 > $(LINES_MAX)'); \
	if [ -n "$$long" ]; then echo "files over $(LINES_MAX) lines:"; echo "$$long"; exit 1; fi

bench: $(DEVELOPMENT) ## measure, and print a table with the limits beside us
	$(BIN)/python benchmarks/run.py $(ARGS)

bluez: $(RUNTIME) ## the gateway on the real Linux Bluetooth, in a virtual machine (ARGS='passkey')
	$(BIN)/python gateway/bluez/cli_bluez.py $(ARGS)

gates: $(DEVELOPMENT) ## how good is detection: false alarms, misses, days to find a change (ARGS='trend')
	$(BIN)/python benchmarks/gates.py $(ARGS)

format: $(DEVELOPMENT) ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo '正在准备虚拟环境  preparing the virtual environment ($(VENV))'
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "no venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo '正在安装（几十秒）  installing, less than a minute'
	@$(call install,gateway server sim)
	@touch $@

$(DEVELOPMENT): pyproject.toml | $(BIN)/python
	@echo '正在安装开发工具  installing the development tools'
	@$(call install,gateway server sim dev)
	@touch $(RUNTIME) $@
