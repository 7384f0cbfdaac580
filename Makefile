# Freshet: `make up` starts a mesh on this machine, `make test` checks everything. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

BUILD := .build
BIN   := $(BUILD)/freshet
TOOLS := $(BUILD)/tools
WEB   := control/web
CRDBLINT := deploy/tools/crdblint
DEPLOYLINT := deploy/tools/deploylint

# The go command writes the commit into the binary, where git can tell it.
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 || echo -buildvcs=false)
# What `make up`, bench-relay, bench-egress and soak-relay pass on, for example ARGS="--http 0.0.0.0:8080".
ARGS ?=
# Packages whose tests are of media in real time: no other test runs beside theirs.
REALTIME := freshet/(cluster/member|cluster/relay|origin)
# What go vet says comes with `make lint`, and nobody debugs these.
GOTEST := deploy/ci/slack.sh go test -short -timeout 10m -vet=off -ldflags=-w
# The race detector brings checks of each unsafe pointer, which took a third of the time in SQLite: C made into Go, not ours.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0
# What holds the promises of RELIABILITY to processes, and how long that may take.
MESH := ^(TestCluster|TestEdge|TestOriginDeath|TestCascade|TestStatic|TestPartition|TestRolling|TestRotation|TestConsole|TestPlanet)
TIMEOUT ?= 20m
# Of each fuzz target, for `make fuzz`.
FUZZTIME ?= 10m
# What decides whether the pages have to be built again.
WEB_SOURCES := $(shell find $(WEB) -type f \( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name '*.json' -o -name '*.svg' \) \
	-not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/test-results/*' -not -path '*/e2e/*' 2>/dev/null)

.PHONY: help
help: ## Say what there is to make
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1|\2/' | column -t -s'|'

.PHONY: up
up: build ## Start a whole mesh on this machine, with a sample on the air
	exec $(BIN) up $(ARGS)

.PHONY: planet
planet: build ## Start a mesh in three regions on this machine, each node a process, all of one file (deploy/planet.toml)
	@deploy/planet.sh $(BIN)

.PHONY: build
build: $(BUILD)/web.stamp ## Build the pages and the binary, .build/freshet
	CGO_ENABLED=0 go build $(VCS) -trimpath -o $(BIN) .

.PHONY: web
web: ## Build the pages
	@rm -f $(BUILD)/web.stamp
	@$(MAKE) $(BUILD)/web.stamp

$(BUILD)/web.stamp: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run build
	@mkdir -p $(BUILD) && touch $@

# Install scripts stay off: no package needs one to build or to test.
$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: test
test: ## Check everything, as CI does: pages, SQL, Go with -race and the seeds of all fuzz targets, end to end (the README's test command)
	@deploy/ci/slack.sh deploy/ci/steps.sh needs check-proto web-and-sql build lint unit e2e compat vuln

.PHONY: needs
needs: ## Install what a bare Debian with Go and Node lacks (as root), or say what is missing
	@deploy/ci/needs.sh

.PHONY: check-web
check-web: $(WEB)/node_modules/.package-lock.json ## Lint and test the pages, and hold their size
	cd $(WEB) && npm run lint && npm test
	@$(MAKE) web
	cd $(WEB) && npm run size

.PHONY: proto
proto: $(TOOLS)/buf ## Generate the Go code of proto/*.proto
	cd proto && ../$(TOOLS)/buf generate

.PHONY: check-proto
check-proto: $(TOOLS)/buf ## Lint proto/*.proto and see that the generated code is fresh
	@deploy/ci/proto.sh $(TOOLS)/buf

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## gofmt, go vet, golangci-lint with the import rules of DESIGN.md
	@out=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); [ -z "$$out" ] || { echo "not formatted: $$out"; exit 1; }
	go vet ./...
	$(TOOLS)/golangci-lint run

.PHONY: sql
sql: $(TOOLS)/crdblint ## Hold every SQL statement to CockroachDB's grammar
	go test -C $(CRDBLINT) ./...
	$(TOOLS)/crdblint control

.PHONY: check-deploy
check-deploy: $(TOOLS)/deploylint ## Hold deploy/ to the parsers of Prometheus, Compose, Helm, Kubernetes and systemd (3 minutes where nothing is built; not in CI)
	CGO_ENABLED=0 go test -C $(DEPLOYLINT) ./...
	$(TOOLS)/deploylint deploy
	@deploy/ci/units.sh

.PHONY: test-compose
test-compose: build ## The mesh of deploy/compose as containers, twice, with a viewer at an edge of each region (where Docker with Compose is; not in CI)
	@! { docker version && docker compose version; } >/dev/null 2>&1 || docker compose -f deploy/compose/compose.yaml build
	@deploy/ci/compose.sh $(BIN)

# What takes longest comes first in its line.
.PHONY: unit
unit: ## All Go tests in their short form, with the race detector (processes and benches without), the store's on PostgreSQL too
	deploy/ci/postgres.sh $(GOTEST) $(RACE) ./control/... ./proto/... ./deploy/...
	$(GOTEST) $(RACE) $$(go list ./edge/... ./cluster/... ./origin/... | grep -vxE '$(REALTIME)')
	$(GOTEST) $(RACE) -p 1 $$(go list ./cluster/... ./origin | grep -xE '$(REALTIME)')
	$(GOTEST) $(RACE) -run '^TestUp$$' .
	$(GOTEST) -p 3 . ./bench/load $$(go list ./bench/... | grep -vx freshet/bench/proof)
	$(GOTEST) ./bench/proof

.PHONY: unit-long
unit-long: ## The long tests of what a mesh lives by (Raft, gossip, identity, relay), which make unit has in their short form, and processes and benches with the race detector
	go test -race -timeout 30m ./control/quorum/... ./cluster/... ./control/enrol ./control/place ./control/api
	go test -race -short -timeout 30m . ./bench/...

.PHONY: test-mesh
test-mesh: $(BUILD)/web.stamp ## The mesh as processes, on loopback and on hosts with impaired paths between them (as root), through deaths, partitions, drains and rotations, Chromium among the viewers; networks of namespaces; on an idle machine (17 minutes)
	deploy/ci/slack.sh deploy/ci/postgres.sh go test -count=1 -timeout $(TIMEOUT) -v -run '$(MESH)' . 2>&1 | sed '/"level"/d'
	deploy/ci/slack.sh deploy/ci/postgres.sh deploy/ci/apart.sh go test -count=1 -timeout $(TIMEOUT) -v -run '$(MESH)' . 2>&1 | sed '/"level"/d'
	go test -count=1 ./bench/impair/...

.PHONY: test-mesh-long
test-mesh-long: ## The same with ten deaths of each kind, and ten minutes without control, or parted (90 minutes)
	FRESHET_ROUNDS=10 FRESHET_LASTS=10m $(MAKE) test-mesh TIMEOUT=3h

.PHONY: test-cockroach
test-cockroach: ## The tests of whatever reads or writes tables, on CockroachDB: COCKROACH_BINARY or FRESHET_TEST_COCKROACH names it
	@[ -n "$${FRESHET_TEST_COCKROACH:-}" ] || [ -x "$$(realpath -q "$${COCKROACH_BINARY:-}")" ] || { echo >&2 "no CockroachDB to test on: let" \
		"COCKROACH_BINARY be the path of its program, or FRESHET_TEST_COCKROACH a server: postgresql://root@HOST:26257/defaultdb?sslmode=…"; exit 1; }
	COCKROACH_BINARY=$$(realpath -q "$${COCKROACH_BINARY:-}" || true) go test -count=1 -timeout 30m -v -run '/CockroachDB' \
		$$(grep -rlE 'storetest\.Each\(' --include='*_test.go' control | xargs -n 1 dirname | sort -u | sed 's|^|./|')

.PHONY: proof
proof: ## The figures that Freshet promises, in full, on an otherwise idle machine (6 minutes)
	go test -count=1 -timeout 15m -v ./bench/proof 2>&1 | sed '/ level=/d'
	go test -count=1 -timeout 5m -run 'TestJoinsAndLeaves' -v ./edge 2>&1 | sed '/ level=/d'
	go test -count=1 -timeout 5m -run 'TestNarrowHop|TestLossShedsNothing|TestLayerOverTwoHops' -v ./cluster/relay 2>&1 | sed '/ level=/d'

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME (10m)
	@deploy/ci/fuzz.sh each $(FUZZTIME)

.PHONY: fuzz-short
fuzz-short: ## Every fuzz target, a minute in all (not in CI, which runs their seeds)
	@deploy/ci/fuzz.sh all 60

# The parser takes two minutes to build where nothing is cached, and what checks pages takes one core.
.PHONY: web-and-sql
web-and-sql:
	@$(MAKE) --no-print-directory -j2 --output-sync=target check-web sql

.PHONY: e2e
e2e: build ## The main journeys through a running mesh in Chromium
	@deploy/ci/e2e.sh $(BIN)

.PHONY: e2e-all
e2e-all: build ## All journeys, and every state of every page (30 minutes; not in CI)
	@deploy/ci/e2e.sh $(BIN) all

.PHONY: e2e-idle
e2e-idle: build ## Joins and layers held to milliseconds: on an idle machine
	@deploy/ci/e2e.sh $(BIN) idle

.PHONY: e2e-states
e2e-states: build ## Every state of every page, in two languages, widths and themes (8 minutes; not in CI)
	cd $(WEB) && npx playwright test --project states

.PHONY: e2e-paths
e2e-paths: build ## The same over a path that becomes narrow and wide again, held to seconds: on an idle machine
	@deploy/ci/e2e.sh $(BIN) paths

.PHONY: compat
compat: build ## Clients that are not ours: pion v4, WHIP and WHEP clients from npm, GStreamer where it is installed
	@$(MAKE) -C bench/compat pion web
	@if /usr/bin/python3 -c 'import gi' 2>/dev/null; then $(MAKE) -C bench/compat gst; \
	else echo "!!! SKIPPED: GStreamer's python3-gst-1.0 is not installed"; fi

.PHONY: bench
bench: ## The hot paths beside their committed baseline, as ratios (4 minutes, on an otherwise idle machine)
	@go run ./bench/baseline

.PHONY: bench-baseline
bench-baseline: ## Measure the hot paths again and make that the baseline (4 minutes, on an otherwise idle machine)
	@go run ./bench/baseline --write

.PHONY: bench-relay
bench-relay: build ## What the relay promises, one JSON line a target, on an otherwise idle machine (45 minutes; ARGS="--only 'loss-*'")
	$(BIN) bench relay $(ARGS)

.PHONY: bench-egress
bench-egress: build ## What an edge's viewers cost beside floor and peers, one JSON line a goal and .build/egress/egress.html, on an otherwise idle machine (ARGS="--only 'mix-*'")
	$(BIN) bench egress --to .build/egress $(ARGS)

.PHONY: bench-start
bench-start: build ## 1,000 pages wait for an event, are told of its start and play: one JSON line, on an otherwise idle machine (ARGS="--viewers 200")
	$(BIN) bench start $(ARGS)

.PHONY: bench-registration
bench-registration: ## 10,000 registrations at 500/s and at 2,000/s over HTTP, SQLite on disk, one JSON line each, on an otherwise idle machine (1 minute)
	@for at in 500 2000; do FRESHET_REGISTRATIONS=10000@$$at go test -count=1 -run '^TestRegistrations$$' -v ./control/guest | grep -E '^(\{|--- FAIL|FAIL|    .*_test\.go)'; done

.PHONY: bench-router
bench-router: ## 60,000 joins at 2,000/s over HTTP from sixty cities, tokens and places and all, one JSON line, on an otherwise idle machine (1 minute)
	@FRESHET_JOINS=60000@2000 go test -count=1 -run '^TestRouter$$' -v ./control/api | grep -E '^(\{|--- FAIL|FAIL|    .*_test\.go)'

.PHONY: soak-relay
soak-relay: build ## Two hops at 1 % loss whose paths change each 30 s: 10 minutes, or ARGS="--for 2h"
	$(BIN) bench relay --only soak $(ARGS)

.PHONY: peers
peers: ## Install Janus, which benches can measure an edge beside (as root, on Debian)
	@command -v janus >/dev/null || { apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends janus; } </dev/null
	@command -v janus

.PHONY: clips
clips: ## Draw the sample clips again (needs ffmpeg)
	deploy/clips/draw.sh

.PHONY: vuln
vuln: ## govulncheck, where GOVULNDB names a database
	@deploy/ci/vuln.sh $(BUILD)

# The tools are a module of their own, so that what they need stays out of the product.
$(TOOLS)/%: deploy/tools/go.mod deploy/tools/go.sum
	@mkdir -p $(TOOLS)
	go build -modfile=deploy/tools/go.mod -o $@ $$(go list -modfile=deploy/tools/go.mod -f '{{.ImportPath}}' tool | grep '/$*$$')
	@touch $@

# So is this one: what it needs is nearly all of CockroachDB's parser.
$(TOOLS)/crdblint: $(wildcard $(CRDBLINT)/*.go) $(CRDBLINT)/go.mod $(CRDBLINT)/go.sum
	@mkdir -p $(TOOLS)
	go build -C $(CRDBLINT) -buildvcs=false -o $(abspath $@) .
	@touch $@

# And this one: Prometheus, Compose, Helm and Kubernetes.
$(TOOLS)/deploylint: $(wildcard $(DEPLOYLINT)/*.go) $(DEPLOYLINT)/go.mod $(DEPLOYLINT)/go.sum
	@mkdir -p $(TOOLS)
	CGO_ENABLED=0 go build -C $(DEPLOYLINT) -buildvcs=false -o $(abspath $@) .
	@touch $@
