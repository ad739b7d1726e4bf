# SPDX-License-Identifier: Apache-2.0
# The front door: short words for what CMake and tools/ do.
BUILD ?= build
SEED ?=
SECONDS ?= 60
GENERATE = cmake -G Ninja -S .

.PHONY: all setup test check sim planted bench fuzz asan ubsan format tidy clean

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

planted: setup
	@tools/planted

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

fuzz: setup
	@tools/fuzz_build_and_run $(BUILD)/fuzz $(SECONDS)

format: setup
	@git ls-files '*.c' '*.h' | xargs clang-format -i --style=file

tidy: all
	@git ls-files 'src/*.c' | xargs clang-tidy -p $(BUILD) --quiet

clean:
	@rm -rf $(BUILD)
