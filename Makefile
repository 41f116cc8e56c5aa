# Handslag. Needs Go and make; a C compiler only for the race detector.
# Plain `make` lists the targets.

GO      ?= go
PDF     ?=
FUZZTIME ?= 30s
PRODUCT := bin/handslag
DEV     := bin/handslag-dev
TOOL    := $(GO) tool -modfile=$(CURDIR)/tools/go.mod

# Go itself says whether it found a C compiler, which the race detector needs.
CGO  := $(shell $(GO) env CGO_ENABLED)
RACE := $(if $(filter 1,$(CGO)),-race)

.DEFAULT_GOAL := help
.PHONY: help build product demo demo-nordic dev test test-root test-dev bench bench-follow bench-compare fuzz cover \
	format format-check vet lint workflowcheck generate generated border check check-demo \
	conformance conformance-full test-pkcs11 compose-env clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/handslag and bin/handslag-dev
	@GO="$(GO)" tools/build

product:
	@$(GO) build -o $(PRODUCT) ./cmd/handslag

demo: build ## two people sign a contract, and the result is verified; PDF="a.pdf b.pdf" for your own
	@$(DEV) demo --product $(PRODUCT) $(PDF)

demo-nordic: build ## two Swedes and two Norwegians sign two documents
	@$(DEV) demo --nordic --product $(PRODUCT) $(PDF)

dev: build ## run the whole product with simulated BankID until Ctrl-C; its state lasts
	@$(DEV) up --product $(PRODUCT)

test: test-root test-dev ## run all tests, with the race detector where a C compiler is found

test-root:
	@[ -n "$(RACE)" ] || echo "No C compiler found: the race detector needs one, so the tests run without it."
	$(GO) test $(RACE) -timeout=25m -shuffle=on ./...

test-dev: build
	cd dev && $(GO) test -timeout=25m -shuffle=on ./...

bench: build ## measure history, latency and sealing
	@$(DEV) bench --product $(PRODUCT)

bench-follow: build ## measure a thousand live orders that one worker follows, and write docs/benchmarks.md
	@$(DEV) follow --product $(PRODUCT) --write docs/benchmarks.md

bench-compare: build ## measure the PDF engine beside other programs, and write docs/benchmarks.md
	@dev/bench/compare.sh --write docs/benchmarks.md

fuzz: ## run every fuzz target for FUZZTIME (default 30s)
	@GO="$(GO)" tools/fuzz $(FUZZTIME)

cover: ## write coverage of the product's own tests to bin/cover.html
	@mkdir -p bin
	$(GO) test -coverprofile=bin/cover.out -coverpkg=./... ./...
	$(GO) tool cover -html=bin/cover.out -o bin/cover.html
	$(GO) tool cover -func=bin/cover.out | tail -n 1

format: ## format all Go code with gofumpt
	$(TOOL) gofumpt -w $$(git ls-files '*.go' ':!api/gen')

format-check:
	@unformatted=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' ':!api/gen')) || exit 1; \
	[ -z "$$unformatted" ] || { echo "not formatted (make format):"; echo "$$unformatted"; exit 1; }

vet:
	$(GO) vet ./...
	cd dev && $(GO) vet ./...

lint: ## run golangci-lint (its first build takes minutes)
	$(TOOL) golangci-lint run ./...
	cd dev && $(TOOL) golangci-lint run --config ../.golangci.yml ./...

workflowcheck: ## look for what is not deterministic in workflows
	$(TOOL) workflowcheck -config workflowcheck.yaml ./workflows/...

generate: ## generate the API's code from its contract
	$(GO) generate ./...

# Written elsewhere and compared, so that the check leaves the tree as it was.
generated:
	@mkdir -p bin
	@cd api && $(TOOL) oapi-codegen -config oapi-codegen.yaml -o ../bin/api.gen.go openapi.yaml
	@diff -u api/gen/api.gen.go bin/api.gen.go || { echo "api/gen is not what openapi.yaml gives (make generate)"; exit 1; }

# The product must stay lean: nothing in it, tests included, needs a server.
border:
	@needed=$$($(GO) list -deps -test ./... | grep -E '^(go\.temporal\.io/server|github\.com/temporalio/ui-server|github\.com/versity/versitygw|github\.com/handslag/handslag/dev)(/|$$)'); \
	[ -z "$$needed" ] || { echo "the product must not need:"; echo "$$needed"; exit 1; }

check-demo: build
	@DEMO="$(DEV) demo --product $(PRODUCT)" PRODUCT=$(PRODUCT) .ci/demo

conformance: build ## let programs written by others judge ours; each says so when it skips
	@for run in conformance/*/run.sh; do echo "== $$run"; "$$run" || exit 1; done

conformance-full: build ## have them judge every combination of level, key, form, signers and appendix
	@conformance/pades/run.sh -full

test-pkcs11: ## test seal keys in security modules, with SoftHSM
	@conformance/softhsm/run.sh

check: format-check vet lint workflowcheck generated border test check-demo conformance ## all that .ci/run checks, without installing anything

compose-env: product ## write the secrets that docker-compose.yml needs
	@deploy/make-env

clean: ## remove what was built and what the demo wrote; state of `make dev` stays
	rm -rf bin out
