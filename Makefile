.PHONY: setup check test bench docs

setup:  ## everything a developer needs, in the current environment
	pip install -c constraints.txt "torch==2.13.0"
	pip install -c constraints.txt -e ".[dev,train,onnx]"

check:  ## what CI checks before the tests
	ruff check .
	ruff format --check .
	mypy
	lint-imports

test:
	pytest

bench:  ## measure this machine and write the README's table
	python benchmarks/run.py local
	python benchmarks/table.py local --write

docs:  ## the figures of the README from the last results
	python benchmarks/table.py local --write
