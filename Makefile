# Everything is built with these flags; duckdb_arrow switches on the Arrow
# interface of the DuckDB binding.
export GOFLAGS := -tags=duckdb_arrow -buildvcs=false
BIN := bin/featurehost
GO_SOURCES := $(shell git ls-files -co --exclude-standard '*.go' go.mod go.sum)
SDK_GO := $(wildcard pluginsdk/go/*.go)

.PHONY: build plugins test race lint check example example-services bench bench-services bench-plugins fuzz-short clean services-up services-down

build: $(BIN) plugins

$(BIN): $(GO_SOURCES)
	go build -trimpath -o $@ ./cmd/featurehost

plugins: plugins/delay_score/delay_score.wasm plugins/delay_score_flight/delay_score_flight plugins/legacy_arrow15/legacy_arrow15

plugins/delay_score/delay_score.wasm: $(SDK_GO) $(wildcard plugins/delay_score/*.go) plugins/delay_score/manifest.json | $(BIN)
	sh plugins/delay_score/build.sh $(BIN)

plugins/delay_score_flight/delay_score_flight: $(GO_SOURCES)
	sh plugins/delay_score_flight/build.sh

plugins/legacy_arrow15/legacy_arrow15: plugins/legacy_arrow15/main.go go.mod
	sh plugins/legacy_arrow15/build.sh

# With the real servers up where Java and Maven are there, see docs/services.md.
test: build
	scripts/services/with.sh sh scripts/test.sh

services-up:
	scripts/services/up.sh

services-down:
	scripts/services/down.sh

# In short: the sweeps that kill or starve a whole process at many points, and
# what needs real servers, run without the race detector, by make test. So do the
# laws of numbers and the tests that run built programs, which it does not see.
race: plugins
	go test -race -short $$(go list ./... | grep -v -e /bench -e /docs -e /examples -e /scripts)

lint:
	sh scripts/lint.sh

check: lint
	go test -short ./...

example: build
	sh examples/flights/run.sh

# From Kafka and S3 to a Hive table on S3 and Cassandra.
example-services: build
	scripts/services/with.sh sh examples/flights_services/run.sh

bench: build
	sh bench/run.sh

# Rates against S3, Cassandra and Kafka, each beside a baseline of the same run.
bench-services: build
	scripts/services/with.sh sh bench/services.sh

# What plugins cost, as ratios of one run: fuel, modules, programs.
bench-plugins: build
	go test -run '^$$' -bench 'Fuel|DelayScore|Prefix|Traps|PassThrough|Start' ./host/internal/wasm/... ./host/internal/process
	go test -run '^$$' -bench Arrow15 -benchtime 1x ./bench

fuzz-short:
	sh scripts/fuzz.sh 5000x

clean:
	rm -rf bin examples/*/out examples/*/.featurehost bench/out plugins/delay_score/delay_score.wasm plugins/delay_score_flight/delay_score_flight plugins/legacy_arrow15/legacy_arrow15
