# `make predict VIDEO=clip.mp4` and `make test` need Python 3.10 or 3.11 (with venv and pip) and nothing else.
PYTHON ?= $(shell for p in python3.11 python3.10 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 12))' 2>/dev/null && command -v $$p && break; done)
VENV ?= .venv
VIDEO ?= assets/sample.mp4
PREDICT ?= $(if $(filter assets/sample.mp4,$(VIDEO)),--model asl-words)
BIN := $(VENV)/bin

.PHONY: predict test lint clean

predict: $(BIN)/.installed
	@$(BIN)/skelact predict "$(VIDEO)" $(PREDICT)

# Tests run in a process a core, of one thread each; a file's tests stay together, as they share what is costly.
test: $(BIN)/.tested lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

# The type checker reads an installed copy, in which models/ and cli/ stand inside the package.
lint: $(BIN)/.tested
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	rm -rf build && $(BIN)/pip install -q --no-deps --no-build-isolation --target build/types .
	cd build/types && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p skelact

$(BIN)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "skelact needs Python 3.10 or 3.11, and none was found: install one, or name it with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v < (3, 12) else "skelact needs Python 3.10 or 3.11, and %s is %d.%d: name another with make PYTHON=/path/to/python3.11" % (sys.executable, *v))'
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e . setuptools wheel
	@touch $@

$(BIN)/.tested: $(BIN)/.installed
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
