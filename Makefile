# The one entry to building and testing Strait; CI and hooks call it, nothing else.
# Tools run with `go run pkg@version`, so that nothing has to be installed.

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0

GO          ?= go
FUZZTIME    ?= 30s
TEST_FLAGS  ?=
# Packages tested at a time. Tests that start brokers want a core each.
TEST_JOBS   ?= 2
# Time for one package's tests, brokers included.
TEST_LIMIT  ?= 14m
# Arguments of `make demo` and `make bench`, as in ARGS="--duration 5s".
ARGS        ?=

# The rooms without brokers; they run under the race detector.
UNIT  = $(shell $(GO) list ./... | grep -v /integration)
# -race needs cgo and with it a C compiler.
HAVE_CC := $(shell command -v "$$($(GO) env CC)" 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help build demo test check race fuzz bench soak generate fmt fmt-check lint vuln clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/strait, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/strait ./cmd/strait

demo: build ## two clusters in one process, mirrored both ways, then compared
	@./bin/strait demo $(ARGS)

test: ## everything, real brokers included (they need java)
ifneq ($(HAVE_CC),)
	CGO_ENABLED=1 $(GO) test -race -p $(TEST_JOBS) -timeout $(TEST_LIMIT) $(TEST_FLAGS) $(UNIT)
else
	@echo 'make: no C compiler, so the race detector is off' >&2
	$(GO) test -p $(TEST_JOBS) -timeout $(TEST_LIMIT) $(TEST_FLAGS) $(UNIT)
endif
	$(GO) test -p $(TEST_JOBS) -timeout $(TEST_LIMIT) $(TEST_FLAGS) ./integration/...

race: ## the packages without brokers, in random order under the race detector
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -p $(TEST_JOBS) -timeout $(TEST_LIMIT) $(TEST_FLAGS) $(UNIT)

check: fmt-check lint race ## what a change must pass before review, beside `make test`
	$(MAKE) generate
	git diff --exit-code

fuzz: ## every fuzz target for FUZZTIME each
	@set -e; grep -rn --include='*_test.go' -oE '^func Fuzz[A-Za-z0-9_]*' . \
	| sed -E 's|^(.*)/[^/]*:[0-9]+:func (.*)$$|\1 \2|' | sort -u \
	| while read -r dir name; do \
		echo "fuzzing $$dir $$name for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir"; \
	done

bench: build ## Strait, MirrorMaker 2 and a bare relay on the same data; writes docs/results/
	$(GO) run ./integration/bench $(ARGS)

soak: ## the long runs: 10 GB under moving leaders and restarts; writes docs/results/
	STRAIT_SOAK=1 $(GO) test -count=1 -v -p 1 -timeout 6h $(TEST_FLAGS) ./integration/...

generate: ## everything that is derived from the code
	$(GO) generate ./...

fmt: ## format all Go files
	$(GO) run $(GOLANGCI_LINT) fmt

fmt-check: ## fail when a Go file is not formatted
	$(GO) run $(GOLANGCI_LINT) fmt --diff

lint: ## golangci-lint with the list in .golangci.yml
	$(GO) run $(GOLANGCI_LINT) run

vuln: ## known vulnerabilities in what we call
	$(GO) run $(GOVULNCHECK) ./...

clean: ## remove what the other targets leave behind
	rm -rf bin dist
