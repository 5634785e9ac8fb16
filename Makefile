# Needs Go and bash; everything else is built or installed into git-ignored folders here. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# A go.work above would break the build in _build.
export GOWORK := off
# The builder compiles with these two, so one build cache serves all but the race detector.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath
export PATH := $(CURDIR)/.tools:$(PATH)

BINARY := _build/otelcol-feedback
# Where `make test` and `make run-mlflow` keep MLflow.
VENV ?= .venv
MLFLOW_PORT ?= 5000
# What `make explain` explains by.
CONFIG ?= config/quickstart.yaml
FORMAT ?= text
SPANS_PER_SECOND ?= 100
FUZZTIME ?= 30s
BENCHTIME ?= 1s
GOTESTSUM = gotestsum --format pkgname-and-test-fails --hide-summary output,skipped

# What the distribution is made of; tests and tools are not.
SOURCES = $(shell find processor exporter extension internal -type f -not -path 'internal/tools/*' \
	-not -name '*_test.go' -not -path '*/testdata/*' -not -name '*.md')
RUNNER_SOURCES = $(shell find test -type f -name '*.go')

##@ Use
.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(BINARY) _build/quickstart ## judge the recorded spans and print the results; then take OTLP until Ctrl-C
	@exec _build/quickstart

.PHONY: run-mlflow
run-mlflow: $(BINARY) _build/quickstart $(VENV)/.installed ## the same, with a local MLflow (MLFLOW_PORT, default 5000)
	@exec _build/quickstart -mlflow $(VENV)/bin/mlflow -mlflow-port $(MLFLOW_PORT)

.PHONY: explain
explain: _build/explain ## what the processor reads of FILE (OTLP JSON, or -) and would evaluate by CONFIG; FORMAT=text or json
	@_build/explain -config "$(CONFIG)" -format $(FORMAT) -spans-per-second $(SPANS_PER_SECOND) $(or $(FILE),$(error give FILE=spans.json, or FILE=- for standard input))

.PHONY: build
build: $(BINARY) ## build the collector distribution: _build/otelcol-feedback

##@ Check
.PHONY: test
test: test-unit test-e2e ## all tests; installs what they need

.PHONY: test-unit
test-unit: .tools/gotestsum ## unit tests with the race detector, in random order
	@test/install.sh gcc libc6-dev
	CGO_ENABLED=1 $(GOTESTSUM) -- -race -shuffle=on -timeout 10m ./...

.PHONY: test-e2e
test-e2e: $(BINARY) _build/quickstart .tools/gotestsum .tools/builder $(VENV)/.installed ## end-to-end tests on a real Redis and a real MLflow
	@test/install.sh redis-server chromium
	MLFLOW=$(abspath $(VENV))/bin/mlflow $(GOTESTSUM) -- -tags e2e -count=1 -timeout 35m $(E2E_FLAGS) ./test/e2e/...

.PHONY: bench
bench: $(BINARY) .tools/benchstat $(VENV)/.installed ## benchmarks with allocations, beside raw clients (BENCHTIME, default 1s)
	@test/install.sh redis-server
	go run ./test/bench -mlflow $(VENV)/bin/mlflow -benchtime $(BENCHTIME) $(BENCH_FLAGS)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@grep -rlE '^func Fuzz' --include='*_test.go' processor exporter extension internal | while read -r file; do \
		for target in $$(grep -oE '^func Fuzz\w+' "$$file" | cut -d' ' -f2); do \
			echo "$$(dirname "$$file") $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")"; \
		done; \
	done

.PHONY: cover
cover: ## unit tests' coverage, by function
	go test -coverprofile coverage.txt -coverpkg ./internal/...,./processor/...,./exporter/...,./extension/... ./...
	go tool cover -func coverage.txt

.PHONY: lint
lint: .tools/golangci-lint ## golangci-lint, and house rules that it has no linter for
	golangci-lint run --build-tags e2e ./...
	@test/lint.sh

.PHONY: validate
validate: $(BINARY) ## let the built collector load each file in config/
	@test/validate.sh $(BINARY)

.PHONY: vuln
vuln: .tools/golangci-lint ## known vulnerabilities; only warns where the database can't be reached
	@govulncheck ./... || { status=$$?; [ $$status -eq 3 ] && exit 3; echo "vuln: no answer (exit $$status), nothing checked" >&2; }

.PHONY: check
check: check-fmt check-generated lint build validate test ## what CI runs

.PHONY: check-fmt
check-fmt: .tools/golangci-lint
	golangci-lint fmt --diff

.PHONY: check-generated
check-generated: .tools/mdatagen
	@before=$$(git diff | git hash-object --stdin); go generate ./...; \
	[ "$$before" = "$$(git diff | git hash-object --stdin)" ] || \
		{ git diff --stat; echo "generated files differ: run 'make generate' and commit" >&2; exit 1; }
	@go mod tidy -diff || { echo "go.mod is not tidy: run 'make tidy' and commit" >&2; exit 1; }

##@ Maintain
.PHONY: generate
generate: .tools/mdatagen ## components' generated code and documentation, from their metadata.yaml
	go generate ./...

.PHONY: fmt
fmt: .tools/golangci-lint ## format all Go code
	golangci-lint fmt

.PHONY: tidy
tidy: ## go.mod files
	go mod tidy
	cd internal/tools && go mod tidy
	cd internal/tools/lint && go mod tidy

.PHONY: clean
clean: ## remove what these targets made, the tools and MLflow excepted
	rm -rf _build .run coverage.txt

# The builder writes its sources anew each time, so it runs only when something changed.
$(BINARY): builder-config.yaml go.mod go.sum $(SOURCES) | .tools/builder
	builder --skip-strict-versioning=false --config builder-config.yaml
	@touch $@

_build/quickstart: go.mod go.sum $(SOURCES) $(RUNNER_SOURCES)
	go build -o $@ ./test/quickstart

_build/explain: go.mod go.sum $(SOURCES)
	@go build -o $@ ./processor/feedbackprocessor/cmd/explain

# Pinned by internal/tools/go.mod; golangci-lint and govulncheck have a module of their own, because their
# dependencies would shift those of the collector's tools.
.tools/builder .tools/mdatagen .tools/gotestsum .tools/benchstat &: internal/tools/go.mod internal/tools/go.sum
	cd internal/tools && GOBIN=$(CURDIR)/.tools go install tool
	@touch .tools/*

.tools/golangci-lint: internal/tools/lint/go.mod internal/tools/lint/go.sum
	cd internal/tools/lint && GOBIN=$(CURDIR)/.tools go install tool
	@touch $@

$(VENV)/.installed: test/requirements.txt
	@test/install.sh python3-venv
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r test/requirements.txt
	@touch $@
