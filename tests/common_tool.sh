# common_tool.sh: what the shell tests of the crm tool share; sourced by them.
# Gives $crm, an empty folder as the working directory, and checks that count.
cd "$(dirname "$0")/.." || exit 1
crm=${CRM:-$PWD/build/crm}
folder=$(mktemp -d "${TMPDIR:-/tmp}/crm-tool.XXXXXX")
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
cd "$folder" || exit 1
unset COLUMNS NO_COLOR LINES
export USER=tester HOME="$folder" LC_ALL=C.UTF-8 TZ=UTC
passed=0 failed=0 skipped=0

# run COMMAND...: its standard output in $out, its standard error in $err, its status in $status.
run() {
    "$@" >"$folder/.out" 2>"$folder/.err" </dev/null
    status=$?
    out=$(cat "$folder/.out")
    err=$(cat "$folder/.err")
}

pass() { passed=$((passed + 1)); }

fail() { # NAME DETAIL...
    failed=$((failed + 1))
    printf 'FAIL %s\n' "$1"
    shift
    printf '     %s\n' "$@"
}

is() { # NAME WANTED GOT
    if [ "$2" = "$3" ]; then pass; else fail "$1" "wanted: $2" "got:    $3"; fi
}

has() { # NAME PART TEXT
    case $3 in
    *"$2"*) pass ;;
    *) fail "$1" "wanted a part: $2" "got:           $3" ;;
    esac
}

lacks() { # NAME PART TEXT
    case $3 in
    *"$2"*) fail "$1" "unwanted: $2" "in:       $3" ;;
    *) pass ;;
    esac
}

# ok NAME: the last run ended well and said nothing on standard error.
ok() {
    if [ "$status" = 0 ] && [ -z "$err" ]; then pass; else fail "$1" "status $status" "stderr: $err"; fi
}

# refused NAME STATUS PART: the last run ended with that status, printed
# nothing on standard output, and one line with PART on standard error.
refused() {
    if [ "$status" != "$2" ]; then
        fail "$1" "wanted status $2, got $status" "stderr: $err"
    elif [ -n "$out" ]; then
        fail "$1" "standard output: $out"
    elif [ "$(printf '%s\n' "$err" | wc -l)" != 1 ] || [ "${err#crm: }" = "$err" ]; then
        fail "$1" "not one line that begins with 'crm: ': $err"
    else
        has "$1" "$3" "$err"
    fi
}

json() { # NAME TEXT: is one JSON document
    if printf '%s' "$2" | python3 -m json.tool >/dev/null 2>"$folder/.json"; then
        pass
    else
        fail "$1" "$(cat "$folder/.json")" "$2"
    fi
}

# value PYTHON TEXT: an expression over the JSON document `d`.
value() {
    printf '%s' "$2" | python3 -c "import json, sys; d = json.load(sys.stdin); print($1)" 2>&1
}

finish() {
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" = 0 ]
}

is_root() { [ "$(id -u)" = 0 ]; }
