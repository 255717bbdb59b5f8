#!/usr/bin/env bash
# What the build gives to others: libraries without stray names, an install
# that a program can use through pkg-config, an uninstall that leaves nothing.
set -u

cd "$(dirname "$0")/.."
build=${BUILD:-build}
build=${build#"$PWD"/} # as make names it: another spelling would be another list of objects
folder=${TMPDIR:-/tmp}/build-test
mkdir -p "$folder"
passed=0 failed=0 skipped=0

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
    fi
}
skip() {
    skipped=$((skipped + 1))
    echo "SKIP $1: $2"
}
make_quietly() {
    make --no-print-directory BUILD="$build" SETUP=none PREFIX=/opt/crm DESTDIR="$folder/dest" "$@" >"$folder/make.log" 2>&1 ||
        { cat "$folder/make.log"; return 1; }
}

static_has_no_foreign_names() {
    ! nm --defined-only "$build/libcrm.a" | awk 'NF == 3 && $2 ~ /[A-Z]/ && $3 !~ /^crm_/ { print; bad = 1 } END { exit !bad }'
}
shared_has_its_name() {
    readelf -d "$build/libcrm.so" | grep -q 'SONAME.*\[libcrm\.so\.0\]'
}
shared_exports_only_crm() {
    ! nm -D --defined-only "$build/libcrm.so" | awk '$3 !~ /^crm_/ { print; bad = 1 } END { exit !bad }'
}
# The names of the library's insides belong to the program, too.
program_may_use_internal_names() {
    cat >"$folder/names.c" <<'C'
#include <crm.h>
int log_append(void);
int log_append(void) { return 0; }
int arena_create(void);
int arena_create(void) { return 0; }
int main(void) { return log_append() + arena_create() + (crm_version_number() < 100); }
C
    ${CC:-gcc} -Iinclude "$folder/names.c" "$build/libcrm.a" -luuid -lz -lutf8proc -pthread -o "$folder/names" && "$folder/names"
}
generated_header_is_fresh() {
    "$build/tools/generate_schema" >"$folder/crm_schema.h" && cmp "$folder/crm_schema.h" include/crm_schema.h
}
header_and_library_agree_on_the_version() {
    cat >"$folder/version.c" <<'C'
#include <crm.h>
#include <string.h>
int main(void) { return crm_version_number() != CRM_VERSION_NUMBER || strcmp(crm_version(), CRM_VERSION) != 0; }
C
    ${CC:-gcc} -Iinclude "$folder/version.c" "$build/libcrm.a" -luuid -lz -lutf8proc -pthread -o "$folder/version" && "$folder/version"
}
installed_files_are_complete() {
    local root=$folder/dest/opt/crm file
    make_quietly install || return 1
    for file in include/crm.h include/crm_schema.h lib/libcrm.a lib/libcrm.so lib/libcrm.so.0 lib/pkgconfig/crm.pc bin/crm \
        share/man/man1/crm.1; do
        [ -e "$root/$file" ] || { echo "$file is not installed"; return 1; }
    done
}
# $1: what pkg-config is asked besides --cflags --libs.
program_builds_with_pkg_config() {
    local flags
    flags=$(PKG_CONFIG_PATH=$folder/dest/opt/crm/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$folder/dest \
        pkg-config $1 --cflags --libs crm) || return 1
    # shellcheck disable=SC2086  # several words: "ccache gcc", flags
    ${CC:-gcc} "$folder/version.c" $flags ${2:-} -o "$folder/installed" &&
        LD_LIBRARY_PATH=$folder/dest/opt/crm/lib "$folder/installed"
}
uninstall_leaves_nothing() {
    make_quietly uninstall || return 1
    [ -z "$(find "$folder/dest" ! -type d)" ] || { find "$folder/dest" ! -type d; return 1; }
}

# Every verb of `crm help`, and every option of its table.
manual_names_every_verb_and_option() {
    local verb option missing=0
    while read -r verb second; do
        grep -qE "^\.It Cm $verb( |\$)${second:+.* $second}" docs/crm.1 || { echo "docs/crm.1 lacks the verb $verb $second"; missing=1; }
    done < <("$build/crm" help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' | grep -v '^shell')
    for option in $(sed -n 's/^ *{"\([a-z-]*\)", OPTION.*/\1/p' src/arguments.c | sort -u); do
        grep -qE -- "Fl -$option\b" docs/crm.1 || { echo "docs/crm.1 lacks the option --$option"; missing=1; }
    done
    [ "$missing" = 0 ]
}

check "the static library has no global names but crm_*" static_has_no_foreign_names
check "the shared library is called libcrm.so.0" shared_has_its_name
check "the shared library exports crm_* only" shared_exports_only_crm
check "a program may use the names of the library's insides" program_may_use_internal_names
check "the generated header is fresh (make schema)" generated_header_is_fresh
check "header and library agree on the version" header_and_library_agree_on_the_version
check "the manual names every verb and every option" manual_names_every_verb_and_option
check "install gives every file" installed_files_are_complete
if command -v pkg-config >/dev/null; then
    check "a program builds against the installed shared library" program_builds_with_pkg_config ""
    # libutf8proc, uuid and zlib say in their own files what they need.
    check "a program builds against the installed static library" program_builds_with_pkg_config --static "-Wl,-Bstatic -lcrm -Wl,-Bdynamic"
else
    skip "pkg-config" "not installed"
    skip "pkg-config --static" "not installed"
fi
check "uninstall leaves nothing" uninstall_leaves_nothing

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
