# libcrm: `make` builds the library and the tool into build/, `make help` lists
# the rest.
#
# One make sees everything: sources are found by wildcard, header dependencies
# come from the compiler, nothing is written outside build/.  Sanitizer and
# coverage builds are the same file with another BUILD and SANITIZE.
#   mk/test.mk     check, sanitize, bench, coverage
#   mk/stress.mk   crash, faults, rot, … and nightly
#   mk/fuzz.mk     fuzz, and the replay of what it found
#   mk/lint.mk     lint and format
#   mk/install.mk  install, uninstall

VERSION := 0.1.0
SOVERSION := 0

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
# Parallel unless told otherwise; a -j on the command line wins.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

BUILD ?= build
CC = gcc
AR = ar
OBJCOPY = objcopy
ifeq ($(origin CFLAGS),undefined)
CFLAGS := -O2 -g
# Optimised for speed where the time goes, for size elsewhere: a library that is
# embedded should be small (lint holds it under 400 KiB).
HOT := $(patsubst %,lib/store/%.c,column hash tree tree_insert tree_leaf) \
       $(patsubst %,lib/sys/%.c,checksum lock memory) \
       lib/log/entry.c \
       $(patsubst %,lib/model/%.c,apply chain edit group_block identity index record run txn value)
SPEED := -O2 -fno-tree-vectorize -fno-align-functions -fno-align-jumps -fno-align-loops -fno-align-labels
# Of gcc from 12 and clang; others know -Os.
SMALL := $(shell $(CC) -Oz -x c -c -o /dev/null /dev/null 2>/dev/null && echo -Oz || echo -Os)
endif
LDFLAGS ?=
# Only these folders of lib/, e.g. FOLDERS="sys log" to try a part alone.
FOLDERS ?= *

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
STANDARD := -std=c11 -D_GNU_SOURCE
GENERATE := -fPIC -fvisibility=hidden -fno-semantic-interposition -fno-plt -ffunction-sections -fdata-sections -pthread
ifneq ($(SANITIZE),)
SANITIZER := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(GENERATE) $(SANITIZER) -MMD -MP
LINK = $(CC) $(CFLAGS) $(LDFLAGS) $(SANITIZER) -pthread -Wl,--as-needed -Wl,-z,relro -Wl,-z,now
# One short line a command; V=1 shows it whole.
ifeq ($(V),)
Q = @printf '  %-6s %s\n' $(word 1,$1) '$@' &&
else
Q =
endif
LIB_LIBS := -luuid -lz -lutf8proc
TOOL_LIBS := -ledit

# --- What there is -----------------------------------------------------------

programs = $(if $1,$(shell grep -lE '^int main\b' $1))

LIB_SOURCES := $(sort $(wildcard $(FOLDERS:%=lib/%/*.c)))
TOOL_SOURCES := $(sort $(wildcard src/*.c))
TEST_ALL := $(sort $(wildcard tests/*.c))
TEST_SOURCES := $(filter tests/test_%,$(TEST_ALL))
EXAMPLE_SOURCES := $(sort $(wildcard examples/*.c))
BENCH_ALL := $(sort $(wildcard bench/*.c))
BENCH_SOURCES := bench/bench.c bench/budget.c
TOOLS_SOURCES := $(sort $(wildcard tools/*.c))
PUBLIC_HEADERS := $(sort $(wildcard include/*.h))

objects = $(patsubst %.c,$(BUILD)/%.o,$1)
binaries = $(patsubst %.c,$(BUILD)/%,$1)

LIB_OBJECTS := $(call objects,$(LIB_SOURCES))
TOOL_OBJECTS := $(call objects,$(TOOL_SOURCES))
TEST_HELPERS := $(call objects,$(filter-out $(TEST_SOURCES),$(TEST_ALL)))
TEST_BINARIES := $(call binaries,$(TEST_SOURCES))
EXAMPLE_BINARIES := $(call binaries,$(EXAMPLE_SOURCES))
BENCH_HELPERS := $(call objects,$(filter-out $(BENCH_SOURCES),$(BENCH_ALL)))
BENCH := $(BUILD)/bench/bench
BUDGET := $(BUILD)/bench/budget
TOOLS_BINARIES := $(call binaries,$(TOOLS_SOURCES))

STATIC := $(BUILD)/libcrm.a
SHARED := $(BUILD)/libcrm.so
SHARED_FILE := $(BUILD)/libcrm.so.$(VERSION)
INTERNAL := $(BUILD)/libcrm-internal.a
TOOL := $(if $(TOOL_SOURCES),$(BUILD)/crm)

# --- Set-up --------------------------------------------------------------------

# The targets that people type first install what they lack; the others only
# say what is missing.  SETUP=none skips it.
ifneq ($(filter demo check lint bench bench-large budget sanitize coverage fuzz nightly setup,$(MAKECMDGOALS)),)
SETUP ?= install
endif
SETUP ?= check

# One step for the groups that all of the goals together need: two would run
# the package manager twice at once.
SETUP_GROUPS := build \
    $(if $(filter check check-% test-% run-% budget sanitize sanitize-% coverage nightly fuzz-replay lint lint-% format setup,$(MAKECMDGOALS)),check) \
    $(if $(filter lint lint-% format setup,$(MAKECMDGOALS)),lint) \
    $(if $(filter bench bench-large lint lint-% format setup,$(MAKECMDGOALS)),bench) \
    $(if $(filter fuzz fuzz-keep setup,$(MAKECMDGOALS)),fuzz)
SETUP_STAMP := $(BUILD)/setup/$(subst $() ,-,$(strip $(SETUP_GROUPS)))

$(SETUP_STAMP): packages.txt tools/setup.sh
	@mkdir -p $(@D)
	@$(if $(filter none,$(SETUP)),,tools/setup.sh $(SETUP) $(SETUP_GROUPS))
	@touch $@

.PHONY: setup
setup: $(SETUP_STAMP)

# --- What is remembered from the last run: flags and lists of files ---------------

# Rewrites $1 only when its text changes, so that what depends on it is rebuilt
# when a flag changed or a source went away, and only then.
remember = $(shell mkdir -p $(dir $1); printf '%s\n' '$2' >$1.new; cmp -s $1.new $1 && rm -f $1.new || mv -f $1.new $1)
ifeq ($(filter clean help,$(MAKECMDGOALS)),)
$(call remember,$(BUILD)/flags,$(COMPILE) $(LINK) $(SPEED) $(SMALL) $(HOT))
$(call remember,$(BUILD)/objects,$(LIB_OBJECTS))
endif

# --- Targets ---------------------------------------------------------------------

.PHONY: all lib demo clean help
all: lib $(TOOL)
lib: $(STATIC) $(SHARED)

# The sample company, loaded and reported on; see examples/demo.sh.
demo: all $(TOOLS_BINARIES)
	@CRM=$(abspath $(BUILD))/crm BUILD=$(abspath $(BUILD)) bash examples/demo.sh

clean:
	rm -rf $(BUILD)

help:
	@echo "make            the library (build/libcrm.a, build/libcrm.so) and the tool (build/crm)"
	@echo "make demo       a sample company, loaded and reported on; installs what it needs"
	@echo "make check      builds and runs every test; installs what it needs"
	@echo "make test-NAME  builds and runs tests/test_NAME.c alone"
	@echo "make lint       compilers' warnings, clang-tidy, cppcheck, format, and the project's own checks"
	@echo "make sanitize   the tests under ASan and UBSan, then under TSan"
	@echo "make bench      speed and size against SQLite and LMDB; SIZE=small is quick"
	@echo "make bench-large  the same on ten times the data: many minutes, 10 GB of disk"
	@echo "make bench-picture  docs/bench.json and docs/bench.svg from the last results"
	@echo "make budget     instructions of the hottest paths beside their budgets; WRITE=1 writes these anew"
	@echo "make fuzz       hostile input: libFuzzer against everything that reads (TARGET=NAME SECONDS=N SEED=N)"
	@echo "make nightly    every way to break it that docs/TESTING.md lists, the long forms"
	@echo "make coverage   which lines the tests reach"
	@echo "make schema     include/crm_schema.h anew from lib/model/schema.def"
	@echo "make format     clang-format on every source"
	@echo "make install    into PREFIX (/usr/local), below DESTDIR; uninstall takes it away"
	@echo "make setup      installs every package of packages.txt"
	@echo "make clean      removes build/"
	@echo "Variables: CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, BUILD, SANITIZE, V=1 (whole commands), SETUP=none"

# --- Compiling ---------------------------------------------------------------------

# No exception passes through the library; debuggers have .debug_frame.
$(BUILD)/lib/%.o: INCLUDES = -DCRM_BUILD -fno-asynchronous-unwind-tables $(if $(filter $(HOT),$<),$(SPEED),$(SMALL)) \
    -Iinclude -Ilib
$(BUILD)/tests/%.o $(BUILD)/tools/%.o: INCLUDES := -Iinclude -Ilib
# The tool, the examples and the benchmark see the public header only.
$(BUILD)/src/%.o $(BUILD)/examples/%.o $(BUILD)/bench/%.o: INCLUDES := -Iinclude
$(BUILD)/examples/%.o: GENERATE += -Werror

$(BUILD)/%.o: %.c $(BUILD)/flags | $(SETUP_STAMP)
	@mkdir -p $(@D)
	$(call Q,CC)$(COMPILE) $(INCLUDES) -c $< -o $@

# --- Linking ---------------------------------------------------------------------

# The static library is one relocatable object in which only crm_* stays
# global: an embedder's own `log_append` does not collide with ours.
$(BUILD)/libcrm.o: $(LIB_OBJECTS) $(BUILD)/objects
	$(call Q,LD)$(LD) -r -o $@.all $(LIB_OBJECTS)
	@$(OBJCOPY) --wildcard --keep-global-symbol='crm_*' $@.all $@
	@rm -f $@.all
$(STATIC): $(BUILD)/libcrm.o
	@rm -f $@
	$(call Q,AR)$(AR) rcsD $@ $<

$(SHARED_FILE): $(LIB_OBJECTS) $(BUILD)/objects lib/libcrm.map
	$(call Q,LINK)$(LINK) -shared -Wl,-soname,libcrm.so.$(SOVERSION) -Wl,--version-script=lib/libcrm.map -Wl,--gc-sections \
	    -Wl,-Bsymbolic-functions -Wl,-z,noseparate-code $(if $(SANITIZE),,-Wl,-z,defs) -o $@ $(LIB_OBJECTS) $(LIB_LIBS)
$(SHARED): $(SHARED_FILE)
	@ln -sf libcrm.so.$(VERSION) $(BUILD)/libcrm.so.$(SOVERSION)
	@ln -sf libcrm.so.$(SOVERSION) $@

# What tests of internals link: the same objects, every name visible.
$(INTERNAL): $(LIB_OBJECTS) $(BUILD)/objects
	@rm -f $@
	$(call Q,AR)$(AR) rcsDT $@ $(LIB_OBJECTS)

$(BUILD)/crm: $(TOOL_OBJECTS) $(STATIC)
	$(call Q,LINK)$(LINK) -Wl,--gc-sections -o $@ $(TOOL_OBJECTS) $(STATIC) $(LIB_LIBS) $(TOOL_LIBS)

# The schema's generator must work when the library does not compile.
$(BUILD)/tools/generate_schema: $(BUILD)/tools/generate_schema.o
	$(call Q,LINK)$(LINK) -o $@ $<
$(filter-out %/generate_schema,$(TOOLS_BINARIES)): $(BUILD)/%: $(BUILD)/%.o $(INTERNAL)
	$(call Q,LINK)$(LINK) -o $@ $< $(INTERNAL) $(LIB_LIBS) -lm

# --- What is generated and committed ------------------------------------------------

.PHONY: schema
schema: $(BUILD)/tools/generate_schema
	$< >$(BUILD)/crm_schema.h
	cmp -s $(BUILD)/crm_schema.h include/crm_schema.h || cp $(BUILD)/crm_schema.h include/crm_schema.h

include mk/stress.mk
include mk/fuzz.mk
include mk/test.mk
include mk/lint.mk
include mk/install.mk

-include $(patsubst %.o,%.d,$(call objects,$(LIB_SOURCES) $(TOOL_SOURCES) $(TEST_ALL) $(EXAMPLE_SOURCES) $(BENCH_ALL) $(TOOLS_SOURCES) $(STRESS_ALL) $(FUZZ_ALL)))
