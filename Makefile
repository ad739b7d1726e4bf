# SPDX-License-Identifier: Apache-2.0
# The front door: short words for what CMake and tools/ do.
BUILD ?= build
SEED ?=
SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=
GENERATE = cmake -G Ninja -S .

.PHONY: all setup test check sim planted demo chaos bench bench-memory fuzz coverage torture-report asan ubsan tsan install format tidy clean

all: setup
	@$(GENERATE) -B $(BUILD) >/dev/null
	@ninja -C $(BUILD)

setup:
	@tools/setup

test: all
	@tools/run_tests $(BUILD)

check: all
	@tools/check_layers && tools/check_purity $(BUILD) && tools/check_style
	@SEEDS=20 tools/run_tests $(BUILD) unit

sim: all
	@if [ -n "$(SEED)" ]; then $(BUILD)/sim/copycat-sim --seed $(SEED); \
	else $(BUILD)/sim/copycat-sim --from $$(date +%s)000 --seconds $(SECONDS); fi

demo: all
	@tools/demo $(BUILD)

chaos: all
	@$(BUILD)/test/chaos/chaos $(BUILD)/cmd/copycatd/copycatd $(SECONDS) $(SEED)

# All, or TRAPS="T004 T019"; the rows go into docs/measurements.md.
planted: setup
	@tools/planted --table docs/measurements.md $(TRAPS)

asan: setup
	@$(GENERATE) -B $(BUILD)/asan -DCC_SANITIZE=address,undefined >/dev/null
	@ninja -C $(BUILD)/asan
	@SEEDS=$${SEEDS:-40} tools/run_tests $(BUILD)/asan unit

ubsan: setup
	@$(GENERATE) -B $(BUILD)/ubsan -DCC_SANITIZE=undefined >/dev/null
	@ninja -C $(BUILD)/ubsan
	@SEEDS=$${SEEDS:-40} tools/run_tests $(BUILD)/ubsan unit

bench: all
	@bench/suite/run $(BUILD)

bench-memory: all
	@bench/memory/run $(BUILD)

# What threads of a host share with the loops of the library.
tsan: setup
	@$(GENERATE) -B $(BUILD)/tsan -DCC_SANITIZE=thread >/dev/null
	@ninja -C $(BUILD)/tsan api_tests
	@test/api/run_tsan $(BUILD)/tsan

# DESTDIR is put in front of everything, PREFIX is where it will be found.
install: setup
	@$(GENERATE) -B $(BUILD)/release -DCMAKE_INSTALL_PREFIX=$(PREFIX) -DCC_TESTS=OFF >/dev/null
	@ninja -C $(BUILD)/release copycat copycat_shared copycatd copycat-cli
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)/release

fuzz: setup
	@tools/fuzz_build_and_run $(BUILD)/fuzz $(SECONDS)

# Seeds, crash states, fuzzing and coverage, on one page: docs/torture.md.
torture-report: all
	@tools/torture_report $(BUILD) $(SECONDS)

coverage: setup
	@tools/coverage $(BUILD)/coverage $(SECONDS)

format: setup
	@git ls-files '*.c' '*.h' | xargs clang-format -i --style=file

tidy: all
	@git ls-files 'src/*.c' | xargs clang-tidy -p $(BUILD) --quiet

clean:
	@rm -rf $(BUILD)
