#!/bin/sh
# tidy.sh SOURCE DEPENDENCIES FLAG...: clang-tidy on one source, quiet when it
# finds nothing.  DEPENDENCIES is the compiler's list of the headers that the
# source reads; it decides which models of analyzer.h apply.
set -eu

source=$1
dependencies=$2
shift 2

case $source in
lib/*)
    set -- "$@" -include tools/analyzer.h
    for model in $(sed -n 's/^#ifdef MODEL_//p' tools/analyzer.h); do
        header=$(awk -v guard="MODEL_$model" '$2 == guard { wanted = 1 } wanted && /^#include/ { gsub(/"/, "", $2); print $2; exit }' tools/analyzer.h)
        names=$(awk -F '[ (]' -v guard="MODEL_$model" '$2 == guard { inside = 1 } /^#endif/ { inside = 0 }
            inside && /^#define/ { printf "%s%s", bar, $2; bar = "|" }' tools/analyzer.h)
        if grep -q "lib/$header" "$dependencies" && ! grep -qE "^[a-z].*[ *]($names)\(" "$source"; then
            set -- "$@" "-DMODEL_$model"
        fi
    done
    ;;
esac

output=$(clang-tidy --quiet "$source" -- "$@" 2>/dev/null) || {
    # What went to standard error is only counts of what is switched off, unless
    # it could not run at all.
    [ -n "$output" ] || clang-tidy --quiet "$source" -- "$@"
    printf '%s\n' "$output"
    exit 1
}
