# make            the three binaries, release, in build/release/bin
# make MODE=debug | asan | tsan | fuzz
# make unit       build and run the unit tests of this MODE
# make fuzz-bins  the fuzz harnesses (MODE=fuzz, clang)

MODE ?= release
OUT  := build/$(MODE)
ENGINE := build/engine

CC       := gcc
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Werror
CPPFLAGS := -D_GNU_SOURCE -I. -MMD -MP
CFLAGS   := -std=gnu17 -g $(WARN) -fno-omit-frame-pointer
LDFLAGS  := -pthread

# One short line a file; make V=1 shows the commands.
ifndef V
say = @echo "  $(1) $(2)";
endif
ifeq ($(MODE),release)
# Small functions live in files of their own nouns; the linker inlines them.
CFLAGS  += -O2 -flto=auto -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LDFLAGS += -O2 -flto=auto -pie -Wl,-z,relro,-z,now
AR      := gcc-ar
else ifeq ($(MODE),debug)
CFLAGS  += -O0
else ifeq ($(MODE),asan)
CFLAGS  += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -DGSR_SANITIZED
LDFLAGS += -fsanitize=address,undefined
else ifeq ($(MODE),tsan)
CC      := clang-14
CFLAGS  += -O1 -fsanitize=thread -DGSR_SANITIZED
LDFLAGS += -fsanitize=thread
else ifeq ($(MODE),fuzz)
CC      := clang-14
CFLAGS  += -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -DGSR_SANITIZED
LDFLAGS += -fsanitize=address,undefined
else
$(error MODE is release, debug, asan, tsan or fuzz)
endif

LIBS_TOPOLOGY := -lsodium -lfyaml
LIBS_MEMBER   := $(LIBS_TOPOLOGY) -levent_core -lmicrohttpd -lcurl -lssl -lcrypto -lmsgpackc -lrocksdb -lm

sources = $(filter-out %/main.c,$(wildcard $(addsuffix /*.c,$(1))))
objects = $(patsubst %.c,$(OUT)/%.o,$(1))

COMMON   := $(call sources,common/base common/format common/limit common/llm common/net common/store common/report common/export common/invoice common/member common/cmd)
TOPOLOGY := $(call sources,topology)
NODE     := $(call sources,node node/strategy node/policy node/trial node/dialect node/dialect/chat node/dialect/responses node/dialect/messages node/cmd)
EGRESS   := $(call sources,egress egress/cmd)

UNITS := $(wildcard tests/unit/*/*_test.c)
FUZZ  := $(wildcard tests/fuzz/*_fuzz.c)

BINS := gsr-node gsr-egress gsr-topology
.PHONY: all unit unit-bins fuzz-bins tests-bins clean
all: $(addprefix $(OUT)/bin/,$(BINS))

$(OUT)/lib/common.a: $(call objects,$(COMMON))
$(OUT)/lib/topology.a: $(call objects,$(TOPOLOGY))
$(OUT)/lib/node.a: $(call objects,$(NODE)) $(ENGINE)/engine.o
$(OUT)/lib/egress.a: $(call objects,$(EGRESS))

$(OUT)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

# Members use the topology library and it uses the base: one group.
COMMON_A   := $(OUT)/lib/topology.a $(OUT)/lib/common.a
GROUPED     = -Wl,--start-group $^ -Wl,--end-group
$(OUT)/bin/gsr-node: $(OUT)/node/main.o $(OUT)/lib/node.a $(COMMON_A)
$(OUT)/bin/gsr-egress: $(OUT)/egress/main.o $(OUT)/lib/egress.a $(COMMON_A)
$(OUT)/bin/gsr-topology: $(OUT)/topology/main.o $(COMMON_A)
$(OUT)/bin/gsr-node $(OUT)/bin/gsr-egress: LIBS := $(LIBS_MEMBER)
$(OUT)/bin/gsr-topology: LIBS := $(LIBS_TOPOLOGY)

$(OUT)/bin/gsr-%:
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(GROUPED) $(LIBS)

# The scripted provider and its load client, for tests, bench and demo.
SIM := $(basename $(notdir $(wildcard tests/sim/*.c)))
SIM_BINS := $(OUT)/bin/sim $(OUT)/bin/sim-load
tests-bins: $(SIM_BINS) $(addprefix $(OUT)/bin/bench-,strategy admission month receipts)
$(OUT)/bin/sim: $(call objects,$(filter-out tests/sim/load%.c,$(wildcard tests/sim/*.c)))
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^
$(OUT)/bin/sim-load: $(call objects,$(wildcard tests/sim/load*.c))
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^

# What policies run in: QuickJS's wasm as C, made and compiled once for all
# modes (half a minute), without sanitizers: it checks its own bounds, and is
# ended by a jump; its section has a name, so that alarm.c can tell when it is
# at work. Its warnings are not ours. Beside it, texts of ours as C.
ENGINE_NPM   := node/policy/node_modules/@jitl/quickjs-wasmfile-release-sync
ENGINE_MADE  := $(addprefix $(ENGINE)/,engine.c engine.h engine_names.h)
ENGINE_FLAGS := -DWASM_RT_MEMCHECK_SIGNAL_HANDLER=0 \
                -DWASM_RT_USE_STACK_DEPTH_COUNT=0
$(ENGINE_NPM)/package.json:
	@echo "make: $@ is missing: run scripts/deps build" >&2; exit 1
$(ENGINE_MADE) &: scripts/engine $(ENGINE_NPM)/package.json
	$(call say,ENGINE,$(ENGINE))scripts/engine $(ENGINE)
$(ENGINE)/engine.o: $(ENGINE_MADE)
	$(call say,CC,$(ENGINE)/engine.c)$(CC) -std=gnu17 -w -O2 -fPIE \
		-fno-strict-aliasing $(ENGINE_FLAGS) -c -o $@.part \
		$(ENGINE)/engine.c && \
		objcopy --rename-section .text=engine_text $@.part $@
$(OUT)/node/policy/%.o: CPPFLAGS += -isystem $(ENGINE) $(ENGINE_FLAGS)
$(OUT)/node/policy/guest.o: $(ENGINE_MADE)
$(OUT)/node/policy/sandbox.o: $(ENGINE)/policy_boot.inc
$(OUT)/node/policy/compiler.o: $(ENGINE)/policy_types.inc
$(ENGINE)/policy_boot.inc: node/policy/boot.js
$(ENGINE)/policy_types.inc: node/policy/policy.d.ts
$(ENGINE)/policy_%.inc:
	@mkdir -p $(@D)
	@sed 's/[\\"]/\\&/g; s/^/"/; s/$$/\\n"/' $< >$@.part && mv $@.part $@
# The operators' pages, as they are, and the chart library beside them.
PAGE_NPM  := common/page/node_modules/uplot/package.json
PAGE_FROM := $(wildcard common/page/*.* common/page/*/*.*) \
	common/llm/exclusion.def common/llm/fail.def
$(OUT)/common/member/page.o: CPPFLAGS += -isystem build/page
$(OUT)/common/member/page.o: build/page/page_files.inc
$(PAGE_NPM):
	@echo "make: $@ is missing: run scripts/deps build" >&2; exit 1
build/page/page_files.inc: scripts/page $(PAGE_FROM) $(PAGE_NPM)
	@mkdir -p $(@D)
	$(call say,PAGE,$@)scripts/page $@
# What has no socket is measured by itself.
$(OUT)/bin/bench-%: $(OUT)/tests/bench/%.o $(OUT)/lib/node.a $(COMMON_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(GROUPED) $(LIBS_MEMBER)

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Unit tests mirror the tree: tests/unit/base/buf_test.c tests common/base/buf.c
UNIT_BINS := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(UNITS))
unit-bins: $(UNIT_BINS)
$(OUT)/unit/%: $(OUT)/tests/unit/%.o $(OUT)/lib/node.a $(OUT)/lib/egress.a $(COMMON_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(GROUPED) -lcmocka $(LIBS_MEMBER)
unit: unit-bins
	@failed=0; for t in $(UNIT_BINS); do $$t || failed=1; done; exit $$failed

FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(FUZZ))
fuzz-bins: $(FUZZ_BINS)
$(OUT)/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/lib/node.a $(OUT)/lib/egress.a $(COMMON_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(GROUPED) $(LIBS_MEMBER)

clean:
	rm -rf build

.SECONDARY:
-include $(shell find build/$(MODE) -name '*.d' 2>/dev/null)
