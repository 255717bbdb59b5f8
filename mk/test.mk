# check, sanitize, bench, coverage.
#
# Each test is a phony target run-NAME that runs it through tools/run_test.sh,
# which never fails; tools/summary.sh adds up and judges.  So all tests run,
# as many at once as -j allows, and one line closes.

LOGS := $(BUILD)/test-logs
SCRIPTS := $(sort $(filter-out tests/lib%.sh tests/common%.sh,$(wildcard tests/*.sh)) $(wildcard tests/test_*.py))

UNIT_NAMES := $(patsubst tests/%.c,%,$(TEST_SOURCES))
SCRIPT_NAMES := $(notdir $(SCRIPTS))
EXAMPLE_NAMES := $(patsubst examples/%.c,example_%,$(EXAMPLE_SOURCES))
SHARED_EXAMPLE_NAMES := $(addsuffix _shared,$(EXAMPLE_NAMES))
RUN = CRM=$(abspath $(BUILD))/crm BUILD=$(abspath $(BUILD)) CC='$(CC)' tools/run_test.sh $(LOGS)

# --- Building ------------------------------------------------------------------

$(TEST_BINARIES): $(BUILD)/%: $(BUILD)/%.o $(TEST_HELPERS) $(INTERNAL)
	$(call Q,LINK)$(LINK) -o $@ $< $(TEST_HELPERS) $(TEST_MORE) $(INTERNAL) $(LIB_LIBS) -lcheck_pic -lsubunit -lrt -lm

$(BUILD)/tests/test_model: TEST_MORE := $(ORACLE)
$(BUILD)/tests/test_model: $(ORACLE)

# Every example is linked twice: with the static library and with the shared.
$(EXAMPLE_BINARIES): $(BUILD)/%: $(BUILD)/%.o $(STATIC)
	$(call Q,LINK)$(LINK) -o $@ $< $(STATIC) $(LIB_LIBS)
$(addsuffix -shared,$(EXAMPLE_BINARIES)): $(BUILD)/%-shared: $(BUILD)/%.o $(SHARED)
	$(call Q,LINK)$(LINK) -o $@ $< -L$(BUILD) -lcrm -Wl,-rpath,'$$ORIGIN/..'

# RocksDB is measured, too, where its package is installed; see bench/peer_rocksdb.c.
ROCKSDB_LIBS = $(shell $(CC) -fsyntax-only -include rocksdb/c.h -x c /dev/null 2>/dev/null && echo -lrocksdb)
$(BENCH): $(BUILD)/bench/bench.o $(BENCH_HELPERS) $(STATIC)
	$(call Q,LINK)$(LINK) -o $@ $< $(BENCH_HELPERS) $(STATIC) $(LIB_LIBS) -lsqlite3 -llmdb $(ROCKSDB_LIBS) -lm

$(BUDGET): $(BUILD)/bench/budget.o $(BUILD)/bench/data.o $(STATIC)
	$(call Q,LINK)$(LINK) -o $@ $(filter %.o,$^) $(STATIC) $(LIB_LIBS) -lm

# --- Running -------------------------------------------------------------------

UNIT_RUNS := $(addprefix run-,$(UNIT_NAMES))
SCRIPT_RUNS := $(addprefix run-,$(SCRIPT_NAMES))
EXAMPLE_RUNS := $(addprefix run-,$(EXAMPLE_NAMES))
SHARED_EXAMPLE_RUNS := $(addprefix run-,$(SHARED_EXAMPLE_NAMES))

.PHONY: check check-build check-native $(UNIT_RUNS) $(SCRIPT_RUNS) $(EXAMPLE_RUNS) $(SHARED_EXAMPLE_RUNS)
$(UNIT_RUNS): run-%: $(BUILD)/tests/%
	@$(RUN) $* unit $<
$(SCRIPT_RUNS): run-%: all $(TOOLS_BINARIES) | $(SETUP_STAMP)
	@$(RUN) $* script $(if $(filter %.py,$*),python3,bash) tests/$*
# Budgets are of the Makefile's own flags.
run-test_budget.py: $(BUDGET)
run-test_budget.py: export FLAGS = $(if $(filter file,$(origin CFLAGS)),$(if $(SANITIZE),sanitize,default),changed)
$(EXAMPLE_RUNS): run-example_%: $(BUILD)/examples/%
	@$(RUN) example_$* example $<
$(SHARED_EXAMPLE_RUNS): run-example_%_shared: $(BUILD)/examples/%-shared
	@$(RUN) example_$*_shared example $<

check-build: all $(TEST_BINARIES) $(EXAMPLE_BINARIES) $(addsuffix -shared,$(EXAMPLE_BINARIES)) $(TOOLS_BINARIES) $(STRESS_BINARIES) $(BUDGET)
check: check-build $(UNIT_RUNS) $(SCRIPT_RUNS) $(EXAMPLE_RUNS) $(SHARED_EXAMPLE_RUNS) $(STRESS_RUNS) $(FUZZ_RUNS)
	@tools/summary.sh $(LOGS) $(UNIT_NAMES) $(SCRIPT_NAMES) $(EXAMPLE_NAMES) $(SHARED_EXAMPLE_NAMES) $(addprefix stress_,$(STRESS_NAMES)) \
	    $(addprefix fuzz_,$(FUZZ_NAMES))
# What runs under a sanitizer: the C programs.  The scripts drive the tool as a
# user would and gain nothing from it that the C tests do not give.
check-native: $(UNIT_RUNS) $(EXAMPLE_RUNS) $(THREADED_RUNS)
	@tools/summary.sh $(LOGS) $(UNIT_NAMES) $(EXAMPLE_NAMES) $(addprefix stress_,$(STRESS_THREADED))

# One test by hand: its whole output, its exit status.
.PHONY: test-%
test-%: $(BUILD)/tests/test_%
	CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT:-120} $<

# --- Sanitizers ------------------------------------------------------------------

.PHONY: sanitize sanitize-address sanitize-thread
sanitize: sanitize-address sanitize-thread
sanitize-address: | $(SETUP_STAMP)
	@echo '--- ASan and UBSan'
	@CK_FORK=no ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1 \
	UBSAN_OPTIONS=print_stacktrace=1 \
	$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SETUP=none SANITIZE=address,undefined CFLAGS='-O1 -g' check-native
TSAN_SETTINGS = CK_FORK=no TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
TSAN_BUILD = --no-print-directory BUILD=$(BUILD)/tsan SETUP=none SANITIZE=thread CFLAGS='-O1 -g'
sanitize-thread: sanitize-address
	@echo '--- TSan'
	@$(TSAN_SETTINGS) $(MAKE) $(TSAN_BUILD) check-native

# --- Benchmark -------------------------------------------------------------------

SIZE ?= standard
.PHONY: bench bench-large bench-picture budget
bench: all $(BENCH)
	@$(BENCH) $(SIZE) $(BENCH_ARGUMENTS)
# Ten times the data, beside the results of the standard size, which are made if there are none.
bench-large: all $(BENCH)
	@grep -qs '"size": "standard"' $(BUILD)/bench.json || $(BENCH) standard $(BENCH_ARGUMENTS)
	@$(BENCH) large --runs 2 --json $(BUILD)/bench-large.json $(BENCH_ARGUMENTS)
	@python3 tools/bench_scale.py $(BUILD)/bench.json $(BUILD)/bench-large.json
# The last results become those that docs/ shows.
bench-picture:
	cp $(BUILD)/bench.json docs/bench.json
	python3 tools/bench_picture.py docs/bench.json docs/bench.svg
budget: $(BUDGET)
	@CC='$(CC)' python3 tools/budget.py $(BUDGET) $(if $(WRITE),--write)

# --- Coverage --------------------------------------------------------------------

# The whole suite but build.sh, which links a program as a user would: that
# needs objects without counters.  Each run counts from zero.  Without
# optimisation and with every function compiled once, so that a branch is what
# stands in the source.  Updates are atomic: the counts of threads must add up;
# so must those of children, see tools/coverage.h.
COVERED := $(UNIT_NAMES) $(filter-out build.sh,$(SCRIPT_NAMES)) $(EXAMPLE_NAMES) $(SHARED_EXAMPLE_NAMES) \
    $(addprefix stress_,$(STRESS_NAMES))
COVERED_REPLAYS := $(FUZZ_NAMES:%=cover-fuzz_%)

.PHONY: coverage check-coverage $(COVERED_REPLAYS)
check-coverage: check-build fuzz-replay-build
	@find $(BUILD) -name '*.gcda' -delete
	@TEST_TIMEOUT=3600 $(MAKE) --no-print-directory $(addprefix run-,$(COVERED)) $(COVERED_REPLAYS)
	@tools/summary.sh $(LOGS) $(COVERED) $(addprefix fuzz_,$(FUZZ_NAMES))
# The corpora without the sanitizers, which would add branches of their own.
$(COVERED_REPLAYS): cover-fuzz_%: $(BUILD)/replay_%
	@$(RUN) fuzz_$* stress $< fuzz/corpus/$* $(FUZZ_SHARED_$*)
coverage: | $(SETUP_STAMP)
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage SETUP=none \
	    CFLAGS='-O0 -g --coverage -fprofile-update=atomic -Dalways_inline=unused -include tools/coverage.h' \
	    check-coverage
	@python3 tools/coverage.py $(BUILD)/coverage tests/uncovered.txt $(if $(V),-v)
