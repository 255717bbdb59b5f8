# fuzz: hostile input, made up by libFuzzer (docs/TESTING.md).
#
#   make fuzz                                    every target for SECONDS (60) each
#   make fuzz TARGET=log SECONDS=900 SEED=1      one
#
# fuzz/fuzz_NAME.c is a target, fuzz/corpus/NAME its inputs, fuzz/NAME.dict its
# words.  What libFuzzer finds goes to build/fuzz/found/NAME, crashers to
# build/fuzz/crash-NAME-…; `make fuzz-keep TARGET=NAME` adds what is new of it to
# the corpus, minimised.  `make check` needs no libFuzzer: it feeds the corpora
# to the same targets, built by the usual compiler with ASan and UBSan.

SECONDS ?= 60
FUZZ_ALL := $(sort $(wildcard fuzz/*.c))
FUZZ_SOURCES := $(filter fuzz/fuzz_%,$(FUZZ_ALL))
FUZZ_NAMES := $(patsubst fuzz/fuzz_%.c,%,$(FUZZ_SOURCES))
FUZZ_HELPERS := $(call objects,$(filter-out $(FUZZ_SOURCES) fuzz/replay.c,$(FUZZ_ALL))) $(STRESS_HELPERS)
FUZZ_RUNS := $(addprefix run-fuzz_,$(FUZZ_NAMES))
FUZZ_TARGETS := $(if $(TARGET),$(TARGET),$(FUZZ_NAMES))
FUZZ_LIBS := $(LIB_LIBS) -lm

$(BUILD)/fuzz/%.o: INCLUDES := -Iinclude -Ilib

# --- Building: within a build folder of their own, for libFuzzer and for the replay ----

$(BUILD)/libfuzzer_%: $(BUILD)/fuzz/fuzz_%.o $(FUZZ_HELPERS) $(INTERNAL)
	$(call Q,LINK)$(LINK) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^) $(FUZZ_LIBS)
$(BUILD)/replay_%: $(BUILD)/fuzz/fuzz_%.o $(BUILD)/fuzz/replay.o $(FUZZ_HELPERS) $(INTERNAL)
	$(call Q,LINK)$(LINK) -o $@ $(filter %.o %.a,$^) $(FUZZ_LIBS)
# One target drives the tool.
FUZZ_TOOL := $(filter-out %/main.o,$(TOOL_OBJECTS))
$(BUILD)/libfuzzer_tool $(BUILD)/replay_tool: $(FUZZ_TOOL)
$(BUILD)/libfuzzer_tool $(BUILD)/replay_tool: FUZZ_LIBS += $(TOOL_LIBS)

.PHONY: fuzz-build fuzz-replay-build
fuzz-build: $(FUZZ_TARGETS:%=$(BUILD)/libfuzzer_%)
fuzz-replay-build: $(FUZZ_NAMES:%=$(BUILD)/replay_%)
.SECONDARY: $(call objects,$(FUZZ_ALL)) $(FUZZ_HELPERS)

FUZZ_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz SETUP=none CC=$(CLANG) SANITIZE=address,undefined \
    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link -fno-sanitize=pointer-overflow'
