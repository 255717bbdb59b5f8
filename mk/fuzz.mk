# fuzz: hostile input, made up by libFuzzer (docs/TESTING.md).
#
#   make fuzz                                    every target for SECONDS (60) each
#   make fuzz TARGET=log SECONDS=900 SEED=1      one
#   make fuzz-keep TARGET=log                    what it found, minimised, into the corpus
#
# fuzz/fuzz_NAME.c is a target, fuzz/corpus/NAME its inputs, fuzz/NAME.dict its
# words.  What libFuzzer finds goes to build/fuzz/found/NAME, what fails to
# build/fuzz/failed.  `make check` needs no libFuzzer: it feeds the corpora, and
# the shared data where that is, to the same targets, built by the usual compiler
# with ASan and UBSan into a folder of their own.

SECONDS ?= 60
SHARED_DATA ?= ../shared/data
FUZZ_ALL := $(sort $(wildcard fuzz/*.c))
FUZZ_SOURCES := $(filter fuzz/fuzz_%,$(FUZZ_ALL))
FUZZ_NAMES := $(patsubst fuzz/fuzz_%.c,%,$(FUZZ_SOURCES))
FUZZ_HELPERS := $(call objects,$(filter-out $(FUZZ_SOURCES) fuzz/replay.c,$(FUZZ_ALL))) $(STRESS_HELPERS)
FUZZ_RUNS := $(addprefix run-fuzz_,$(FUZZ_NAMES))
FUZZ_TARGETS := $(if $(TARGET),$(TARGET),$(FUZZ_NAMES))
FUZZ_LIBS := $(LIB_LIBS) -lm

$(BUILD)/fuzz/%.o: INCLUDES := -Iinclude -Ilib

# --- Building: in a build folder of its own, for libFuzzer and for the replay ---------

$(BUILD)/libfuzzer_%: $(BUILD)/fuzz/fuzz_%.o $(FUZZ_HELPERS) $(INTERNAL)
	$(call Q,LINK)$(LINK) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^) $(FUZZ_LIBS)
$(BUILD)/replay_%: $(BUILD)/fuzz/fuzz_%.o $(BUILD)/fuzz/replay.o $(FUZZ_HELPERS) $(INTERNAL)
	$(call Q,LINK)$(LINK) -o $@ $(filter %.o %.a,$^) $(FUZZ_LIBS)
# One target drives the tool, which has names of its own that the library has, too: it sees the exported ones only.
FUZZ_TOOL := $(filter-out %/main.o,$(TOOL_OBJECTS)) $(call objects,fuzz/fuzz.c fuzz/import.c fuzz/company.c stress/stress.c)
$(BUILD)/libfuzzer_tool: $(BUILD)/fuzz/fuzz_tool.o $(FUZZ_TOOL) $(STATIC)
	$(call Q,LINK)$(LINK) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS) $(TOOL_LIBS)
$(BUILD)/replay_tool: $(BUILD)/fuzz/fuzz_tool.o $(BUILD)/fuzz/replay.o $(FUZZ_TOOL) $(STATIC)
	$(call Q,LINK)$(LINK) -o $@ $^ $(FUZZ_LIBS) $(TOOL_LIBS)
.SECONDARY: $(call objects,$(FUZZ_ALL)) $(FUZZ_HELPERS)

.PHONY: fuzz fuzz-build fuzz-keep fuzz-replay fuzz-replay-build $(FUZZ_RUNS) $(FUZZ_NAMES:%=fuzz-run-%) $(FUZZ_NAMES:%=fuzz-keep-%)
fuzz-build: $(FUZZ_TARGETS:%=$(BUILD)/libfuzzer_%)
fuzz-replay-build: $(FUZZ_NAMES:%=$(BUILD)/replay_%)

# Clang alone complains of NULL + 0, which every compiler takes and the next C
# allows; what else its check of pointers finds, gcc's finds in the replay.
FUZZ_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz SETUP=none CC=$(CLANG) \
    SANITIZE='address,undefined -fno-sanitize=pointer-overflow' CFLAGS='-O1 -g -fsanitize=fuzzer-no-link'

# --- Fuzzing ---------------------------------------------------------------------------

# How long an input may be; the default is what files of some records take.
FUZZ_LENGTH = $(or $(FUZZ_LENGTH_$1),1024)
FUZZ_LENGTH_phone := 256
FUZZ_LENGTH_text := 256
FUZZ_LENGTH_value := 256
FUZZ_LENGTH_email := 512
FUZZ_LENGTH_condition := 512
FUZZ_LENGTH_log := 8192
FUZZ_LENGTH_image := 4096
FUZZ_LIMITS := -timeout=10 -rss_limit_mb=1024 -print_final_stats=1

# One after the other: two at once would take each other's time.
fuzz: | $(SETUP_STAMP)
	+@$(FUZZ_MAKE) fuzz-build
	+@set -e; for name in $(FUZZ_TARGETS); do $(FUZZ_MAKE) fuzz-run-$$name; done
$(FUZZ_NAMES:%=fuzz-run-%): fuzz-run-%: $(BUILD)/libfuzzer_%
	@mkdir -p $(BUILD)/found/$* $(BUILD)/failed
	$< $(FUZZ_LIMITS) -max_total_time=$(SECONDS) -max_len=$(call FUZZ_LENGTH,$*) $(if $(SEED),-seed=$(SEED)) \
	    $(addprefix -dict=,$(wildcard fuzz/$*.dict)) -artifact_prefix=$(BUILD)/failed/$*- \
	    $(BUILD)/found/$* fuzz/corpus/$*

fuzz-keep: | $(SETUP_STAMP)
	+@$(FUZZ_MAKE) $(FUZZ_TARGETS:%=fuzz-keep-%)
$(FUZZ_NAMES:%=fuzz-keep-%): fuzz-keep-%: $(BUILD)/libfuzzer_%
	$< $(FUZZ_LIMITS) -max_len=$(call FUZZ_LENGTH,$*) -set_cover_merge=1 -use_counters=0 fuzz/corpus/$* $(BUILD)/found/$*

# --- The replay, a part of `make check` ------------------------------------------------

# Some lines of the shared data would be only noise to a target; CSV and JSON go
# to those that read them, behind each byte that says how.
NAUGHTY := $(SHARED_DATA)/blns/blns.txt
SPECTRUM := $(SHARED_DATA)/csv-spectrum
FUZZ_SHARED_text := --lines $(NAUGHTY)
FUZZ_SHARED_phone := --lines $(NAUGHTY)
FUZZ_SHARED_email := --lines $(NAUGHTY)
FUZZ_SHARED_value := --lead 7 --lines $(NAUGHTY)
FUZZ_SHARED_set := --lines $(NAUGHTY)
FUZZ_SHARED_jsonl := $(SPECTRUM)/json $(NAUGHTY)
FUZZ_SHARED_csv := --lead 8 $(SPECTRUM)/csvs $(NAUGHTY)
FUZZ_SHARED_import := --lead 1 $(SPECTRUM)/csvs

REPLAY_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/replay SETUP=none SANITIZE=address,undefined CFLAGS=-O1
fuzz-replay: $(FUZZ_RUNS)
	@tools/summary.sh $(LOGS) $(addprefix fuzz_,$(FUZZ_NAMES))
$(BUILD)/replay/built: FORCE | $(SETUP_STAMP)
	+@$(REPLAY_MAKE) fuzz-replay-build
	@mkdir -p $(@D) && touch $@
$(FUZZ_RUNS): run-fuzz_%: $(BUILD)/replay/built
	@$(RUN) fuzz_$* stress $(BUILD)/replay/replay_$* fuzz/corpus/$* $(FUZZ_SHARED_$*)
