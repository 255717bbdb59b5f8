# Faults: crash, faults, rot, kills, threads, … (docs/TESTING.md).
#
# stress/NAME.c with a main() is `make NAME`: it prints its seed and ends with
# "N THINGS, N failures".  LONG=1 is the nightly's run, SEED=N another one.
# `make check` runs the short form of each.  What is in stress/NAME_*.c belongs
# to that program alone; what is without a main() else, to all.

STRESS_ALL := $(sort $(wildcard stress/*.c))
STRESS_SOURCES := $(call programs,$(STRESS_ALL))
STRESS_NAMES := $(patsubst stress/%.c,%,$(STRESS_SOURCES))
STRESS_HELPERS := $(call objects,$(filter-out $(STRESS_SOURCES) $(STRESS_NAMES:%=stress/%_%.c),$(STRESS_ALL)))
STRESS_BINARIES := $(call binaries,$(STRESS_SOURCES))
STRESS_RUNS := $(addprefix run-stress_,$(STRESS_NAMES))
# Those of many threads: `make sanitize` runs their short forms, and LONG=1 the
# long ones once more under the thread sanitizer.
STRESS_THREADED := $(filter threads linear,$(STRESS_NAMES))
THREADED_RUNS := $(addprefix run-stress_,$(STRESS_THREADED))

# A plain model of the CRM, which tests and fuzz targets use, too.
ORACLE := $(filter $(BUILD)/stress/oracle%,$(STRESS_HELPERS))

$(BUILD)/stress/%.o: INCLUDES := -Iinclude -Ilib
stress_parts = $(filter stress/$1_%.c,$(filter-out $(STRESS_SOURCES),$(STRESS_ALL)))
$(foreach name,$(STRESS_NAMES),$(eval $(BUILD)/stress/$(name): $(call objects,$(call stress_parts,$(name)))))
$(STRESS_BINARIES): $(BUILD)/%: $(BUILD)/%.o $(STRESS_HELPERS) $(INTERNAL)
	$(call Q,LINK)$(LINK) -o $@ $(filter %.o,$^) $(INTERNAL) $(WRAPPED) $(LIB_LIBS) -lm

# The system's calls that fail in stress/faults_system.c.
comma := ,
$(BUILD)/stress/faults: WRAPPED := $(patsubst %,-Wl$(comma)--wrap=%,open pread pwrite fdatasync fsync ftruncate fallocate \
    fcntl fstat stat rename unlink realpath mmap mprotect realloc pthread_mutex_init pthread_cond_init getrandom)

.PHONY: nightly $(STRESS_NAMES) $(STRESS_RUNS)
$(STRESS_NAMES): %: $(BUILD)/stress/%
	$< $(if $(LONG),--long) $(if $(SEED),--seed $(SEED))
	$(if $(and $(LONG),$(filter $*,$(STRESS_THREADED)),$(if $(SANITIZE),,plainly)),$(TSAN_SETTINGS) $(MAKE) $(TSAN_BUILD) $@)
$(STRESS_RUNS): run-stress_%: $(BUILD)/stress/%
	@$(RUN) stress_$* stress $<

# Every long form, one after the other.
nightly: | $(SETUP_STAMP)
	@set -e; for name in $(STRESS_NAMES); do $(MAKE) --no-print-directory LONG=1 $$name; done
