# lint and format.
#
# `make lint` goes on after a failing check, so that one run shows everything.
# Compiler and clang-tidy runs leave a stamp a file with its header
# dependencies: a second lint looks only at what changed.

ifneq ($(filter lint,$(MAKECMDGOALS)),)
MAKEFLAGS += -k
endif

CLANG ?= clang
CLANGXX ?= clang++
CXX = g++
LINT := $(BUILD)/lint
LINT_STANDARD := $(STANDARD) -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
HEADER_WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only
# Stripped, in bytes.
SHARED_LIMIT := 409600

LINT_SOURCES := $(LIB_SOURCES) $(TOOL_SOURCES) $(EXAMPLE_SOURCES) $(TEST_ALL) $(BENCH_ALL) $(TOOLS_SOURCES) $(STRESS_ALL) $(FUZZ_ALL)
TIDY_SOURCES := $(filter-out tests/% stress/% fuzz/%,$(LINT_SOURCES))
LIB_HEADERS := $(sort $(wildcard lib/*/*.h))
FORMATTED := $(LINT_SOURCES) $(LIB_HEADERS) $(filter-out include/crm_schema.h,$(PUBLIC_HEADERS)) $(sort $(wildcard src/*.h tests/*.h stress/*.h fuzz/*.h bench/*.h examples/*.h tools/*.h))

LINT_CHECKS := lint-gcc lint-clang lint-tidy lint-cppcheck lint-format lint-headers lint-folders lint-style \
               lint-binding lint-generated lint-symbols lint-state lint-size lint-manual lint-shell
.PHONY: lint format $(LINT_CHECKS)
lint: $(LINT_CHECKS)
	@echo "lint: $(words $(LINT_CHECKS)) checks, clean"

lint_includes = $(if $(filter lib/%,$1),-DCRM_BUILD) -Iinclude $(if $(filter lib/% tests/% stress/% fuzz/% tools/%,$1),-Ilib)

# --- Compilers and clang-tidy, a file at a time -----------------------------------

lint-gcc: $(LINT_SOURCES:%.c=$(LINT)/gcc/%.ok)
lint-clang: $(LINT_SOURCES:%.c=$(LINT)/clang/%.ok)
lint-tidy: $(TIDY_SOURCES:%.c=$(LINT)/tidy/%.ok)

# With -O2: that is when gcc sees uninitialised and overflowing accesses.
$(LINT)/gcc/%.ok: %.c mk/lint.mk | $(SETUP_STAMP)
	@mkdir -p $(@D)
	@gcc $(LINT_STANDARD) -O2 -fPIC $(call lint_includes,$<) -MMD -MP -MF $(@:.ok=.d) -MT $@ -c $< -o $(@:.ok=.o)
	@rm -f $(@:.ok=.o) && touch $@
$(LINT)/clang/%.ok: %.c mk/lint.mk | $(SETUP_STAMP)
	@mkdir -p $(@D)
	@$(CLANG) $(LINT_STANDARD) -fsyntax-only $(call lint_includes,$<) -MMD -MP -MF $(@:.ok=.d) -MT $@ $<
	@touch $@
# Behind clang's stamp, which knows the headers.
$(LINT)/tidy/%.ok: %.c $(LINT)/clang/%.ok .clang-tidy tools/analyzer.h tools/tidy.sh | $(SETUP_STAMP)
	@mkdir -p $(@D)
	@tools/tidy.sh $< $(LINT)/clang/$*.d $(STANDARD) $(call lint_includes,$<)
	@touch $@
-include $(patsubst %.c,$(LINT)/gcc/%.d,$(LINT_SOURCES)) $(patsubst %.c,$(LINT)/clang/%.d,$(LINT_SOURCES))

# --- Whole-tree tools ----------------------------------------------------------------

lint-cppcheck: | $(SETUP_STAMP)
	@mkdir -p $(LINT)/cppcheck
	@cppcheck --quiet -j 2 --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --suppressions-list=.cppcheck --cppcheck-build-dir=$(LINT)/cppcheck -D_GNU_SOURCE -Iinclude -Ilib $(TIDY_SOURCES)

lint-format: | $(SETUP_STAMP)
	@clang-format --dry-run -Werror $(FORMATTED) 2>&1 | awk '/error:/ { split($$1, at, ":"); count[at[1]]++ } \
	    END { for (file in count) { print file ": " count[file] " places differ from .clang-format (make format)"; bad = 1 } exit bad }'
format: | $(SETUP_STAMP)
	clang-format -i $(FORMATTED)

# The public header alone, in every language that may include it, and each
# internal header by itself.
lint-headers: | $(SETUP_STAMP)
	@mkdir -p $(LINT)
	@printf '#include <crm.h>\n#include <crm.h>\nint main(void) { return CRM_OK; }\n' >$(LINT)/header.c
	@cp $(LINT)/header.c $(LINT)/header.cpp
	@set -e; for standard in c99 c11 c17; do for compiler in gcc $(CLANG); do \
	    $$compiler -std=$$standard $(HEADER_WARNINGS) -Iinclude $(LINT)/header.c; done; done
	@set -e; for standard in c++11 c++17 c++20; do for compiler in $(CXX) $(CLANGXX); do \
	    $$compiler -std=$$standard $(HEADER_WARNINGS) -Iinclude $(LINT)/header.cpp; done; done
	@for header in $(LIB_HEADERS:lib/%=%); do \
	    printf '#include "%s"\n#include "%s"\nextern int header_alone;\n' $$header $$header | \
	    gcc $(LINT_STANDARD) -fsyntax-only -Iinclude -Ilib -x c - || { echo "lib/$$header does not compile alone"; exit 1; }; done

# Bash reads the scripts without running them.
lint-shell: $(wildcard tools/*.sh tests/*.sh examples/*.sh completions/*.bash .ci/run)
	@for script in $^; do bash -n $$script || exit 1; done

lint-manual: docs/crm.1 | $(SETUP_STAMP)
	@mandoc -T lint -W warning $<

# --- The project's own checks --------------------------------------------------------

lint-folders: | $(SETUP_STAMP)
	@python3 tools/check_folders.py
lint-style: | $(SETUP_STAMP)
	@python3 tools/check_style.py
lint-binding: | $(SETUP_STAMP)
	@python3 tools/check_binding.py $(VERSION)

lint-generated: $(BUILD)/tools/generate_schema
	@mkdir -p $(LINT)
	@$< >$(LINT)/crm_schema.h
	@cmp $(LINT)/crm_schema.h include/crm_schema.h || { echo "include/crm_schema.h is stale: make schema"; exit 1; }

lint-symbols: $(SHARED) $(STATIC)
	@python3 tools/check_symbols.py $(SHARED) $(STATIC)

# No writable data in the library: tables are const, everything else hangs on a handle.
lint-state: $(LIB_OBJECTS)
	@size -A /dev/null $(LIB_OBJECTS) 2>/dev/null | awk '/:$$/ { file = $$1 } \
	    $$1 ~ /^[.](data|bss|tdata|tbss)([.]|$$)/ && $$1 !~ /^[.]data[.]rel[.]ro/ && $$2 > 0 { \
	    print file " writable global state: " $$1 ", " $$2 " bytes"; bad = 1 } END { exit bad }'

lint-size: $(SHARED)
	@mkdir -p $(LINT)
	@strip -o $(LINT)/libcrm.so $(SHARED_FILE)
	@bytes=$$(wc -c <$(LINT)/libcrm.so); echo "libcrm.so stripped: $$bytes of at most $(SHARED_LIMIT) bytes"; \
	    [ $$bytes -lt $(SHARED_LIMIT) ]
