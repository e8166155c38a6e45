# make demo   the whole workflow on generated data; some minutes on two CPU cores
# make test   the tests
PYTHON ?= python3
CORES ?= all
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo test lint

demo: .venv/complete
	snakemake --cores $(CORES) --config profile=demo
	@echo
	@echo "Below results/demo, in a folder for each recipe:"
	@echo "Tables:  tables/table1.tex, .csv, .md and so on"
	@echo "Figures: figures/figure1.pdf, .png and so on"
	@echo "Report:  report.html"
	@echo "Runs:    mlflow ui --backend-store-uri sqlite:///mlflow.db"

test: .venv/complete
	python -m pytest

lint: .venv/complete
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	python -m pyright

.venv/complete: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	pip install --requirement requirements.lock
	pip install --no-deps --editable .
	touch $@
