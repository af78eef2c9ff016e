# What you are likely to want:
#   make demo   the main job on an embedded server: five languages, expiry, a changed secret, cut connections
#   make test   everything there is to test, with a summary
#   make help   the rest
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= lib
INCLUDEDIR ?= include
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
LIBRARY := target/release/libnacos_auth.so
CLI ?= target/release/nacos-auth
CLI_OUT := build/cli
# Where install-cli puts things.
ROOT = $(DESTDIR)$(PREFIX)
VENV := .venv
MINUTES ?= 10
SECONDS ?= 60

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: build
build: ## the library, shared and static, and the header
	tools/cargo-release.sh build --release --features wiping
	ln -sf libnacos_auth.so $(LIBRARY).1
	@$(MAKE) --no-print-directory go-archive

# What Go programs of this checkout are linked with, where they do not ask for the shared library.
GO_ARCHIVE := $(patsubst %,bindings/go/lib/linux_amd64/libnacos_auth.a,$(filter Linux-x86_64,$(shell uname -sm | tr ' ' -)))
.PHONY: go-archive
go-archive: $(GO_ARCHIVE)
$(GO_ARCHIVE): $(LIBRARY:.so=.a) tools/dist/archive.sh
	tools/dist/archive.sh $< $@

# What the dynamically linked Go programs and the tests of the installation use.
.PHONY: prefix
prefix: build
	@$(MAKE) --no-print-directory install PREFIX=$(CURDIR)/build/prefix DESTDIR= >&2

.PHONY: install uninstall
install: ## headers, library, pkg-config and CMake files to PREFIX (/usr/local); DESTDIR, LIBDIR (lib) and INCLUDEDIR (include) too
uninstall: ## removes what install put there, with the same PREFIX, DESTDIR, LIBDIR and INCLUDEDIR
install uninstall: export PREFIX := $(PREFIX)
install uninstall: export DESTDIR := $(DESTDIR)
install uninstall: export LIBDIR := $(LIBDIR)
install uninstall: export INCLUDEDIR := $(INCLUDEDIR)
install uninstall: export VERSION := $(VERSION)
install uninstall: export LIBRARY := $(LIBRARY)
install uninstall:
	@tools/install.sh $@

.PHONY: cli
cli: ## the command nacos-auth, its man pages and completions: build/cli
	tools/cargo-release.sh build --release --package nacos-auth-cli
	$(MAKE) --no-print-directory cli-pages

# From a program that is built already.
.PHONY: cli-pages
cli-pages:
	mkdir -p "$(CLI_OUT)/man" "$(CLI_OUT)/completions"
	"$(CLI)" man "$(CLI_OUT)/man"
	"$(CLI)" completions bash >"$(CLI_OUT)/completions/nacos-auth"
	"$(CLI)" completions zsh >"$(CLI_OUT)/completions/_nacos-auth"
	"$(CLI)" completions fish >"$(CLI_OUT)/completions/nacos-auth.fish"
	install -m 755 "$(CLI)" "$(CLI_OUT)/"

.PHONY: install-cli
install-cli: ## the command, its man pages and completions to PREFIX; DESTDIR is honoured
	@test -f "$(CLI_OUT)/nacos-auth" || { echo "there is no $(CLI_OUT)/nacos-auth; run make cli first" >&2; exit 1; }
	install -d $(addprefix "$(ROOT)"/,bin share/man/man1 share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d share/doc/nacos-auth-cli)
	install -m 755 "$(CLI_OUT)/nacos-auth" "$(ROOT)/bin/"
	install -m 644 "$(CLI_OUT)"/man/*.1 "$(ROOT)/share/man/man1/"
	install -m 644 "$(CLI_OUT)/completions/nacos-auth" "$(ROOT)/share/bash-completion/completions/"
	install -m 644 "$(CLI_OUT)/completions/_nacos-auth" "$(ROOT)/share/zsh/site-functions/"
	install -m 644 "$(CLI_OUT)/completions/nacos-auth.fish" "$(ROOT)/share/fish/vendor_completions.d/"
	install -m 644 LICENSE cli/THIRD-PARTY.txt "$(ROOT)/share/doc/nacos-auth-cli/"

.PHONY: dist
dist: ## a release as files, for this machine's processor: dist/; takes some ten minutes; docs/releasing.md
	tools/dist/all.sh dist

.PHONY: release-check
release-check: ## whether the last commit can be released: versions, ABI, docs, and all of dist tried
	tools/release-check.sh

.PHONY: shims
shims: ## the conformance shims; prints LANGUAGE<TAB>COMMAND for each; C and C++ need what tests/setup.sh installs
	@$(MAKE) --no-print-directory prefix >&2
	@tests/shims/build.sh

.PHONY: demo
demo: ## the main job; SERVER=host:port USERNAME=… PASSWORD=… does it on a server of yours
	@SERVER="$(SERVER)" DEMO_USERNAME="$(if $(SERVER),$(USERNAME))" NACOS_PASSWORD="$(if $(SERVER),$(PASSWORD))" demo/run.sh

.PHONY: readme
readme: demo ## the demo, and what it printed put into README.md
	python3 tests/docs/demo_output.py

.PHONY: test
test: ## installs what the tests need, runs everything, ends with "N passed, N failed, N skipped"
	tests/setup.sh
	$(VENV)/bin/python tests/run.py $(ONLY)

.PHONY: test-all
test-all: ## the same and what takes minutes: sanitizers, two equal builds, a thousand forks, real servers behind nginx
	HOST_LONG=1 $(MAKE) --no-print-directory test

.PHONY: sanitizers
sanitizers: ## C, C++, Python, Go and Rust under AddressSanitizer, ThreadSanitizer, the race detector; needs a nightly toolchain
	$(MAKE) --no-print-directory test ONLY="build sanitizers"

.PHONY: sbom
sbom: ## the bills of materials in CycloneDX's JSON: build/nacos-auth.cdx.json, build/nacos-auth-cli.cdx.json
	tools/sbom.sh

.PHONY: soak
soak: ## all languages at once, a fault every few seconds; MINUTES=10 is the default, SEED=… repeats the faults of a run
	tests/setup.sh
	cargo build --quiet --package devserver
	mkdir -p build
	$(if $(NACOS_MADE_SHIMS),cat $(NACOS_MADE_SHIMS),$(MAKE) --no-print-directory -s shims) >build/soak-shims.txt
	NACOS_SHIMS=build/soak-shims.txt PYTHONPATH=tests/conformance \
		$(VENV)/bin/python tests/soak/soak.py --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

.PHONY: fuzz
fuzz: ## what reads foreign bytes, fuzzed; SECONDS=60 for each target is the default, TARGETS="login_answer files" are some
	fuzz/run.sh $(SECONDS) $(TARGETS)

.PHONY: real
real: ## a real Nacos to play with: NACOS=2.0.4, 2.2.3, 2.3.2 (the default) or cluster; needs Java and Maven
	python3 tests/real/$(if $(filter cluster,$(NACOS)),cluster.py,nacos.py play $(or $(NACOS),2.3.2))

.PHONY: lint
lint: ## formatters and linters of all languages
	tests/setup.sh
	$(VENV)/bin/python tests/run.py lint

.PHONY: site
site: ## the documentation as a site: build/site/index.html; needs doxygen and go
	tests/setup.sh
	doxygen docs/Doxyfile
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

.PHONY: bench
bench: $(if $(NACOS_AUTH_LIBDIR),,build) ## every measure beside its rivals; docs/performance.md is made of it. ONLY="http python" measures parts
	benches/run.sh

.PHONY: sim
sim: ## thousands of the real state machines against three modelled servers, beside the Java client's rule
	# In a folder of its own: its library has a feature more.
	cargo run --release --quiet --package simulator --target-dir target/simulator

.PHONY: clean
clean: ## removes what was built
	cargo clean
	rm -rf build dist
