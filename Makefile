# Two commands on a fresh Debian or Ubuntu machine: `make up` runs Stoa, `make test` tests it. `make help` lists the rest.

SHELL := /bin/sh
# Where tools/rust installs, before a distribution's older Rust.
export PATH := $(if $(CARGO_HOME),$(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help up example test lint bench setup setup-build clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

up: setup-build ## install what is missing, build, and run Stoa on an embedded Postgres
	cargo build --release --locked -p stoa
	@echo 'When it listens, `make example` in another terminal loads the example data.'
	@exec $(TARGET)/release/stoa up

example: ## load the example data into the Stoa that runs
	@$(TARGET)/release/stoa import ndjson examples/market.ndjson

# The servers' runner is built with the tests, so that dependencies are compiled once.
test: setup ## run all tests against a real Postgres and a real Kafka
	cargo test --workspace --locked --no-run
	$(TARGET)/debug/servers run -- cargo test --workspace --locked

lint: setup-build ## check format, clippy and documentation; dependencies and scripts where their tools are installed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
	if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; fi
	if command -v shellcheck >/dev/null; then shellcheck -x .ci/run tools/setup tools/rust tools/kafka/fetch; fi

bench: setup ## measure commands per second, on a real Postgres and a real Kafka
	cargo build --release --locked -p stoa -p bench
	$(TARGET)/release/bench

setup: ## install what the other targets need, and nothing else
	@tools/setup build broker

setup-build:
	@tools/setup build

clean: ## remove what was built
	cargo clean
