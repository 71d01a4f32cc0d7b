# Everything is built with these flags; duckdb_arrow switches on the Arrow
# interface of the DuckDB binding.
export GOFLAGS := -tags=duckdb_arrow -buildvcs=false
BIN := bin/featurehost
GO_SOURCES := $(shell git ls-files -co --exclude-standard '*.go' go.mod go.sum)
SDK_GO := $(wildcard pluginsdk/go/*.go)

.PHONY: build plugins test race lint check example bench fuzz-short clean

build: $(BIN) plugins

$(BIN): $(GO_SOURCES)
	go build -trimpath -o $@ ./cmd/featurehost

plugins: plugins/delay_score/delay_score.wasm

plugins/delay_score/delay_score.wasm: $(SDK_GO) $(wildcard plugins/delay_score/*.go) plugins/delay_score/manifest.json | $(BIN)
	sh plugins/delay_score/build.sh $(BIN)

test: build
	sh scripts/test.sh

# In short: the sweeps that kill or starve a whole process at many points run
# without the race detector, by make test.
race: plugins
	go test -race -short ./...

lint:
	sh scripts/lint.sh

check: lint
	go test -short ./...

example: build
	sh examples/flights/run.sh

bench: build
	sh bench/run.sh

fuzz-short:
	sh scripts/fuzz.sh 5000x

clean:
	rm -rf bin examples/*/out examples/*/.featurehost bench/out plugins/delay_score/delay_score.wasm
