#!/usr/bin/env bash
# The tool's words and options: what is wrong is said in one line with status
# 2, the nearest word is named, options stand anywhere.
. "$(dirname "$0")/common_tool.sh"

run "$crm" --version
ok "version"
is "version names program and number" "crm 0.1.0" "$out"

run "$crm" help
ok "help"
for verb in init add set show delete restore list count find timeline history stage 'lifecycle evaluate' \
    'lifecycle report' 'lifecycle transitions' 'report pipeline' 'report lifecycle' changes import export undo \
    'field add' 'kind add' verify recover compact erase backup stat rebuild; do
    has "help lists $verb" "
  $verb " "$out"
done
wide=$(printf '%s\n' "$out" | awk 'length > 80')
is "help fits a terminal" "" "$wide"
for verb in list import 'lifecycle evaluate' 'field add' changes; do
    run "$crm" help $verb
    ok "help $verb"
    has "help $verb shows its usage" "crm ${verb%% *} " "$out"
    has "help $verb shows an example" "acme.crm" "$out"
done
wide=$(for verb in $("$crm" help | sed -n 's/^  \([a-z]*\) .*/\1/p' | sort -u | grep -v '^crm$'); do "$crm" help "$verb"; done |
    awk 'length > 80')
is "help of every verb fits a terminal" "" "$wide"
run "$crm" list --help
has "--help explains the verb" "--where FIELD OP VALUE" "$out"
run "$crm" help lifecycle
has "help of a group has all its verbs" "crm lifecycle FILE transitions" "$out"
run "$crm" help pipeline
has "help finds a second word" "crm report FILE pipeline" "$out"

run "$crm" lst
refused "unknown verb" 2 "did you mean 'list'?"
run "$crm" help list extra
refused "help for a word too many" 2 "crm help list"
run "$crm" qqqqqqqqqq
refused "unknown verb, nothing near" 2 "crm help"
run "$crm" list
refused "no file" 2 "list needs a FILE"
run "$crm" list a.crm
refused "no kind" 2 "crm list FILE KIND"
run "$crm" list a.crm customer too many
refused "too many words" 2 "does not take 'too'"
run "$crm" list a.crm customer --fromat json
refused "unknown option" 2 "did you mean --format?"
run "$crm" list a.crm customer --override
refused "an option of another verb" 2 "list takes no --override"
run "$crm" list a.crm customer --limit
refused "option without its value" 2 "--limit needs a value"
run "$crm" list a.crm customer --desc=1
refused "flag with a value" 2 "--desc takes no value"
run "$crm" list a.crm customer --format xml
refused "unknown format" 2 "table, csv, json, jsonl"
run "$crm" list a.crm customer --where stage
refused "half a condition" 2 "--where stage = drifting"
run "$crm" list a.crm -n
refused "short option" 2 "there is no option -n"
run "$crm" report a.crm
refused "half a verb" 2 "pipeline, lifecycle"

run "$crm" list a.crm customer
refused "no such file" 1 "crm init a.crm"
has "no such file names it" "a.crm" "$err"
is "a question makes no file" "" "$(ls)"

run "$crm" init a.crm
ok "init"
run "$crm" erase a.crm x
refused "erase without a terminal and --yes" 2 "--yes"
run "$crm" init a.crm
refused "init does not overwrite" 1 "exists already"
run "$crm" init b.crm --currency EURO
refused "init with a bad currency" 2 "ISO 4217"
is "a refused init leaves no file" "" "$(ls | grep b.crm)"
run "$crm" a.crm list customer
refused "the file first" 2 "crm list a.crm"
run "$crm" list a.crm custmer
refused "unknown kind" 2 "did you mean 'customer'?"
run "$crm" list a.crm customer --where nmae = x
refused "unknown field" 2 "did you mean 'name'?"
run "$crm" list a.crm customer --where name like x
refused "unknown operator" 2 "prefix contains"
run "$crm" list a.crm customer --limit many
refused "a limit that is no number" 2 "not a whole number"
run "$crm" list a.crm customer --limit 0
refused "a limit of nothing" 2 "at least 1"
run "$crm" list a.crm customer --as-of someday
refused "a time that is none" 2 "is not a time"
run "$crm" list a.crm customer --now someday
refused "a clock that is none" 2 "--now"

run "$crm" add a.crm customer name=Globex
ok "add"
for words in "list a.crm customer --format csv --columns name" "--format csv list --columns name a.crm customer" \
    "--format=csv --columns=name list a.crm customer" "list a.crm customers --columns name --format csv"; do
    run "$crm" $words
    is "options anywhere: $words" "name
Globex" "$out"
done
run "$crm" field add a.crm customer shoe_size int
ok "second word before the file"
run "$crm" field a.crm add customer hat_size int
ok "second word behind the file"
run "$crm" list a.crm customer --columns name,hat-size --format csv
is "a field's name with a dash" "name,hat_size
Globex," "$out"
run "$crm" add a.crm customer -- name=--desc
ok "-- ends the options"

run "$crm" list . customer
is "a folder is refused" 1 "$status"
printf 'not a database, only a text of some length\n' >text.crm
run "$crm" list text.crm customer
refused "a file of another kind" 1 "text.crm"
run "$crm" count /dev/null customer
is "a device is refused" 1 "$status"

finish
