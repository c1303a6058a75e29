# Copyright 2026 The Admit Authors
# SPDX-License-Identifier: Apache-2.0

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Tools are built once into .tools, which is ignored; a folder for each version, so that a new version is built anew.
GOLANGCI_LINT_VERSION := v2.15.0
TOOLS_SUM := $(shell cat tools.mod tools.sum | cksum | cut -d ' ' -f 1)
TOOLS := $(CURDIR)/.tools/$(TOOLS_SUM)
LINT := $(CURDIR)/.tools/golangci-lint-$(GOLANGCI_LINT_VERSION)
CHROMIUM := /usr/bin/chromium
export BUF_CACHE_DIR := $(CURDIR)/.cache/buf

MODULES := . proto tokens/store cmd/demo cmd/admit integration
PROTOS := . cmd/demo integration

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## serve the demo: the policy, a tour of real calls, then commands to paste (ARGS=-once: exit after the tour)
	@mkdir -p .cache && go build -o .cache/demo ./cmd/demo && exec .cache/demo $(ARGS)

.PHONY: test
test: ## run every test with the race detector, and the allocation budgets without
	go test -race -timeout 10m $(foreach m,$(MODULES),./$(m)/...)
	go test -run Alloc ./policy/... ./interceptor/... ./tokens/...

.PHONY: bench
bench: ## print medians of one interleaved run: the cached check, the guarded call, a rule, and peers (ARGS=-rounds 40); then key sources under attack
	@ADMIT_BENCH=1 go test -count=1 -v -run '^TestCost$$' ./interceptor/connectauth | grep -v '^\(===\|---\|PASS\|ok\)'
	@go run ./integration/bench $(ARGS)
	@echo
	@go run ./integration/keysources

.PHONY: flood
flood: ## print what strangers cost: random credentials, unknown keys, a slow store; and what a million remembered keys take (ARGS=-part slow: one of them)
	@mkdir -p .cache && go build -o .cache/flood ./integration/flood && .cache/flood $(ARGS)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (default 30s)
	@./.ci/fuzz $(or $(FUZZTIME),30s)

.PHONY: wycheproof
wycheproof: ## offer the JWS, JWK and JWE vectors of Project Wycheproof, and print how many are answered as they say
	@cd integration/wycheproof && GOWORK=off go mod download github.com/c2sp/wycheproof
	@dir=$$(cd integration/wycheproof && GOWORK=off go list -m -f '{{.Dir}}' github.com/c2sp/wycheproof) && \
	  ADMIT_WYCHEPROOF=$$dir go test -count=1 -v -run '^TestWycheproof$$' ./tokens/jwt | { grep -v '^\(===\|---\|PASS\|ok\)' || true; }

.PHONY: peers-clerk
peers-clerk: ## ask @clerk/backend the same questions about tokens, has() and whole requests, and compare the answers (needs Node 20; ARGS="-seed 2")
	@command -v node >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || { \
	  echo "Node 20 or later is needed, with npm: https://nodejs.org/en/download, or the packages nodejs and npm of the system"; exit 1; }
	@cd integration/peers/clerk && npm ci --silent --no-audit --no-fund --ignore-scripts
	@go run ./integration/peers/clerk $(ARGS)

.PHONY: peers-web
peers-web: $(CHROMIUM) ## run connect-web and the demo's page in headless Chromium, and keep pictures of the page in docs (needs Node 20)
	@mkdir -p .cache && go build -o .cache/peers-web-demo ./cmd/demo
	@cd integration/peers/web && npm ci --silent --no-audit --no-fund --ignore-scripts && node bundle.mjs -check && \
	  node main.mjs $(CURDIR)/.cache/peers-web-demo $(CHROMIUM) $(CURDIR)/docs

$(CHROMIUM):
	@[ $@ = /usr/bin/chromium ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
	  echo "there is no $@: as root, apt-get install chromium fonts-dejavu-core; or make peers-web CHROMIUM=/path/to/chromium"; exit 1; }
	@echo "installing Chromium; once, a few minutes"
	@apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null

.PHONY: revocation
revocation: ## print how long a revoked credential lives on three replicas, on SQLite and on PostgreSQL (ARGS='-store sqlite'); about 2 minutes
	@mkdir -p .cache && go build -o .cache/revocation ./integration/revocation && exec .cache/revocation $(ARGS)

.PHONY: generate
generate: tools ## generate code from the .proto files
	@for d in $(PROTOS); do PATH="$(TOOLS):$$PATH" buf generate --template $$d/buf.gen.yaml; done

.PHONY: lint
lint: tools $(LINT)/golangci-lint ## check code, protos, modules, the consumer module, and that generated code is not stale
	@PATH="$(TOOLS):$$PATH" buf lint
	@$(MAKE) --no-print-directory checkgenerate
	@for m in $(MODULES); do (cd $$m && $(LINT)/golangci-lint run --allow-parallel-runners --config $(CURDIR)/.golangci.yml --timeout 10m ./...); done
	@PATH="$(TOOLS):$$PATH" .ci/consumer
	@! grep -n '^replace\|^	.*=> ' go.mod */go.mod cmd/*/go.mod || { echo "a committed go.mod has a replace; run make tidy"; exit 1; }

.PHONY: checkgenerate
checkgenerate: tools
	@tmp=$$(mktemp -d); trap 'rm -rf $$tmp' EXIT; \
	for d in $(PROTOS); do mkdir -p $$tmp/$$d; PATH="$(TOOLS):$$PATH" buf generate --template $$d/buf.gen.yaml -o $$tmp; done; \
	for f in $$(git ls-files '*.pb.go' '*.connect.go'); do \
	  cmp -s $$f $$tmp/$$f || { echo "$$f is stale; run make generate and commit"; exit 1; }; done; \
	for f in $$(cd $$tmp && find . -name '*.go' | sed 's|^\./||'); do \
	  [ -e $$f ] || { echo "$$f is not committed; run make generate and commit"; exit 1; }; done

.PHONY: tidy
tidy: ## tidy every module; our own modules are replaced by their folders for the moment
	@for m in $(MODULES); do (cd $$m; export GOWORK=off; top=$$(realpath --relative-to=. $(CURDIR)); \
	  for ours in admit admit/proto admit/tokens/store; do \
	    [ "$$(go list -m)" = github.com/admitrpc/$$ours ] && continue; \
	    go mod edit -require github.com/admitrpc/$$ours@v0.0.0 -replace github.com/admitrpc/$$ours=$$top/$${ours#admit}; done; \
	  rc=0; go mod tidy || rc=$$?; \
	  go mod edit -dropreplace github.com/admitrpc/admit -dropreplace github.com/admitrpc/admit/proto \
	    -dropreplace github.com/admitrpc/admit/tokens/store; exit $$rc); done

.PHONY: tools
tools: $(TOOLS)/.built

$(TOOLS)/.built: tools.mod tools.sum
	@echo "building buf and the protoc plugins; once, a few minutes"
	@mkdir -p $(TOOLS)
	@GOWORK=off go build -modfile=tools.mod -o $(TOOLS)/ github.com/bufbuild/buf/cmd/buf google.golang.org/protobuf/cmd/protoc-gen-go \
	  google.golang.org/grpc/cmd/protoc-gen-go-grpc connectrpc.com/connect/cmd/protoc-gen-connect-go
	@touch $@

$(LINT)/golangci-lint:
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION); once, a few minutes"
	@GOWORK=off GOBIN=$(LINT) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
