# What you are likely to want:
#   make demo   the main job on an embedded server: five languages, expiry, a changed secret, cut connections
#   make test   everything there is to test, with a summary
#   make help   the rest
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
LIBRARY := target/release/libnacos_auth.so
CLI ?= target/release/nacos-auth
# Where install puts things, what it puts there, and the folders that are nobody else's.
ROOT = $(DESTDIR)$(PREFIX)
OWN_FOLDERS := lib/cmake/nacos_auth share/doc/nacos-auth
INSTALLED := include/nacos_auth.h include/nacos_auth.hpp \
	lib/libnacos_auth.so lib/libnacos_auth.so.1 lib/libnacos_auth.so.$(VERSION) lib/libnacos_auth.a \
	lib/pkgconfig/nacos_auth.pc lib/cmake/nacos_auth/nacos_authConfig.cmake \
	lib/cmake/nacos_auth/nacos_authConfigVersion.cmake share/doc/nacos-auth/LICENSE share/doc/nacos-auth/README.md \
	share/doc/nacos-auth/c-and-cpp.md share/doc/nacos-auth/THIRD-PARTY.txt
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

.PHONY: install
install: ## headers, library, pkg-config and CMake files to PREFIX (default /usr/local); DESTDIR is honoured
	@test -f $(LIBRARY) || { echo "there is no $(LIBRARY); run make build first" >&2; exit 1; }
	install -d $(addprefix "$(ROOT)"/,include lib/pkgconfig $(OWN_FOLDERS))
	install -m 644 include/nacos_auth.h include/nacos_auth.hpp "$(ROOT)/include/"
	install -m 755 $(LIBRARY) "$(ROOT)/lib/libnacos_auth.so.$(VERSION)"
	ln -sf libnacos_auth.so.$(VERSION) "$(ROOT)/lib/libnacos_auth.so.1"
	ln -sf libnacos_auth.so.1 "$(ROOT)/lib/libnacos_auth.so"
	tools/dist/archive.sh $(LIBRARY:.so=.a) "$(ROOT)/lib/libnacos_auth.a"
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' nacos_auth.pc.in \
		| install -m 644 /dev/stdin "$(ROOT)/lib/pkgconfig/nacos_auth.pc"
	install -m 644 cmake/nacos_authConfig.cmake "$(ROOT)/lib/cmake/nacos_auth/"
	sed 's|@VERSION@|$(VERSION)|' cmake/nacos_authConfigVersion.cmake.in \
		| install -m 644 /dev/stdin "$(ROOT)/lib/cmake/nacos_auth/nacos_authConfigVersion.cmake"
	install -m 644 LICENSE THIRD-PARTY.txt README.md docs/c-and-cpp.md "$(ROOT)/share/doc/nacos-auth/"

.PHONY: uninstall
uninstall: ## removes what install put there, with the same PREFIX and DESTDIR
	rm -f $(addprefix "$(ROOT)"/,$(INSTALLED))
	for folder in $(OWN_FOLDERS); do \
		if [ -d "$(ROOT)/$$folder" ]; then rmdir --ignore-fail-on-non-empty "$(ROOT)/$$folder"; fi; \
	done

.PHONY: cli
cli: ## the command nacos-auth, its man pages and completions: build/cli
	tools/cargo-release.sh build --release --package nacos-auth-cli
	$(MAKE) --no-print-directory cli-pages
	install -m 755 $(CLI) build/cli/

# From a program that is built already.
.PHONY: cli-pages
cli-pages:
	mkdir -p build/cli/man build/cli/completions
	$(CLI) man build/cli/man
	$(CLI) completions bash >build/cli/completions/nacos-auth
	$(CLI) completions zsh >build/cli/completions/_nacos-auth
	$(CLI) completions fish >build/cli/completions/nacos-auth.fish

.PHONY: install-cli
install-cli: ## the command, its man pages and completions to PREFIX; DESTDIR is honoured
	@test -f build/cli/nacos-auth || { echo "there is no build/cli/nacos-auth; run make cli first" >&2; exit 1; }
	install -d $(addprefix "$(ROOT)"/,bin share/man/man1 share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d)
	install -m 755 build/cli/nacos-auth "$(ROOT)/bin/"
	install -m 644 build/cli/man/*.1 "$(ROOT)/share/man/man1/"
	install -m 644 build/cli/completions/nacos-auth "$(ROOT)/share/bash-completion/completions/"
	install -m 644 build/cli/completions/_nacos-auth "$(ROOT)/share/zsh/site-functions/"
	install -m 644 build/cli/completions/nacos-auth.fish "$(ROOT)/share/fish/vendor_completions.d/"

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
sbom: ## the bill of materials in CycloneDX's JSON: build/nacos-auth.cdx.json
	tools/sbom.sh

.PHONY: soak
soak: ## all languages at once, a fault every few seconds; MINUTES=10 is the default, SEED=… repeats the faults of a run
	tests/setup.sh
	cargo build --quiet --package devserver
	mkdir -p build
	$(MAKE) --no-print-directory -s shims >build/soak-shims.txt
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
bench: $(if $(NACOS_AUTH_LIBDIR),,build) ## the measurements behind docs/performance.md
	benches/run.sh

.PHONY: sim
sim: ## thousands of the real state machines against three modelled servers, beside the Java client's rule
	tools/cargo-release.sh run --release --quiet --package simulator

.PHONY: clean
clean: ## removes what was built
	cargo clean
	rm -rf build
