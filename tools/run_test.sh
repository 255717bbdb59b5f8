#!/bin/sh
# run_test.sh LOGS NAME KIND COMMAND...: runs one test and writes its output to
# LOGS/NAME.log and its counts, "passed failed skipped", to LOGS/NAME.count.
#
# KIND unit:    a libcheck program; its closing line is counted.
# KIND script:  prints "N passed, N failed, N skipped" at its end, or is a
#               Python unittest.
# KIND example: one program that passes when it ends with 0; gets the path of a
#               database in a fresh folder as its last argument.
# KIND stress:  one program that passes when it ends with 0; its closing line is shown.
#
# A test that crashes, hangs, or ends with an error although every check in it
# passed counts as one failure more; so does one that reports nothing at all.
# The exit status is 0 whatever the test said (summary.sh judges), so that one
# failing test does not keep the others from running.
set -eu

logs=$1
name=$2
kind=$3
shift 3
log=$logs/$name.log
mkdir -p "$logs"
rm -f "$logs/$name.count"

folder=$(mktemp -d "${TMPDIR:-/tmp}/crm-test.XXXXXX")
trap 'rm -rf "$folder"' EXIT INT TERM
[ "$kind" != example ] || set -- "$@" "$folder/$name.crm"

# libcheck's own limit of 4 seconds is wall time: too short on a busy machine.
CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-120}
CK_VERBOSITY=${CK_VERBOSITY:-normal}
TMPDIR=$folder
LC_ALL=C.UTF-8
TZ=UTC
PYTHONDONTWRITEBYTECODE=1
export CK_DEFAULT_TIMEOUT CK_VERBOSITY TMPDIR LC_ALL TZ PYTHONDONTWRITEBYTECODE

limit=${TEST_TIMEOUT:-900}
begin=$(date +%s)
status=0
timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
seconds=$(($(date +%s) - begin))

awk -v kind="$kind" -v status="$status" '
    function take(text, pattern,    n) {  # the number in the part of text that matches
        if (!match(text, pattern)) return 0
        n = substr(text, RSTART, RLENGTH)
        gsub(/[^0-9]/, "", n)
        return n + 0
    }
    /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
        bad = take($0, "Failures: [0-9]+") + take($0, "Errors: [0-9]+")
        passed += take($0, "Checks: [0-9]+") - bad; failed += bad; counted = 1; unit = 1
    }
    /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { passed += $1; failed += $3; skipped += $5; counted = 1 }
    /^Ran [0-9]+ tests? in / { ran = $2; counted = 1; python = 1 }
    python && /^(OK|FAILED)( |$)/ {
        bad = take($0, "failures=[0-9]+") + take($0, "errors=[0-9]+"); skip = take($0, "skipped=[0-9]+")
        passed += ran - bad - skip; failed += bad; skipped += skip
    }
    /^SKIP/ { said_skip++ }
    END {
        if (unit) { passed -= said_skip; skipped += said_skip; if (passed < 0) passed = 0 }
        if ((kind == "example" || kind == "stress") && status == 0) passed = 1
        else if (status == 77 && !counted) skipped = 1
        else if (status != 0 && !failed) failed = 1
        else if (!counted) failed++
        print passed + 0, failed + 0, skipped + 0
    }' "$log" >"$logs/$name.count.new"
mv "$logs/$name.count.new" "$logs/$name.count"

read -r passed failed skipped <"$logs/$name.count"
if [ "$failed" = 0 ]; then
    printf 'ok    %-28s %4s passed%s  %s s\n' "$name" "$passed" "$([ "$skipped" = 0 ] || echo ", $skipped skipped")" "$seconds"
    grep -E '^(SKIP|NOTE) ' "$log" | sed "s/^/      $name: /" || true
    [ "$kind" != stress ] || tail -n 1 "$log" | sed "s/^/      $name: /"
else
    case $status in
    124 | 137) why="stopped after $limit s" ;;
    *) why="exit status $status" ;;
    esac
    {
        printf 'FAIL  %-28s %4s passed, %s failed, %s; %s:\n' "$name" "$passed" "$failed" "$why" "$log"
        tail -n "${TEST_TAIL:-60}" "$log" | sed 's/^/      /'
    } >"$logs/$name.report"
    cat "$logs/$name.report" # in one go, so that parallel tests do not mix their lines
    rm -f "$logs/$name.report"
fi
[ "${TEST_STRICT:-0}" = 0 ] || [ "$failed" = 0 ]
