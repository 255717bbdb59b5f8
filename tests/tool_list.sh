#!/usr/bin/env bash
# Lists: conditions, order, pages, columns, formats; tables that stay aligned
# with wide letters, in narrow terminals, and whatever a record contains.
. "$(dirname "$0")/common_tool.sh"

"$crm" init a.crm --now 2024-01-01 >/dev/null
printf '%s\n' name,emails,territory,employees 'Ärzte Süd,a@x.example,south,5' '上海贸易有限公司,b@x.example,east,12' \
    '"Smith, Jones & Sons",c@x.example,west,120' 'Zebra,d@x.example,west,7' 'شركة النور,e@x.example,east,' >c.csv
"$crm" import a.crm customer c.csv --now 2024-01-02 >/dev/null 2>&1

run "$crm" list a.crm customer --order employees --columns name,employees --format csv
ok "list in order"
is "numbers in order, records without last" 'name,employees
Ärzte Süd,5
Zebra,7
上海贸易有限公司,12
"Smith, Jones & Sons",120
شركة النور,' "$out"
run "$crm" list a.crm customer --order employees --desc --limit 1 --columns name --format csv
is "the largest" 'name
"Smith, Jones & Sons"' "$out"
run "$crm" count a.crm customer --where territory = west
is "count with a condition" 2 "$out"
run "$crm" count a.crm customer --where territory=west --where 'employees>7'
is "conditions in one word, all must hold" 1 "$out"
run "$crm" count a.crm customer --where territory in west,east
is "one of several" 4 "$out"
run "$crm" count a.crm customer --where employees notset
is "not set" 1 "$out"
run "$crm" count a.crm customer --where employees set
is "set" 4 "$out"
run "$crm" count a.crm customer --where name prefix arz
is "a prefix without accents" 1 "$out"
run "$crm" count a.crm customer --where name contains 贸易
is "contains, Chinese" 1 "$out"
run "$crm" count a.crm customer --where created_at = 2024-01-02
is "a day means all of it" 5 "$out"
run "$crm" count a.crm customer --where created_at '>' -1d --now 2024-01-02T12:00
is "a relative time" 5 "$out"
run "$crm" count a.crm customer --by territory --format csv
is "counts by value" "east,2 south,1 territory,count west,2" "$(printf "%s\n" "$out" | sort | paste -sd " ")"
run "$crm" count a.crm customer --as-of 2024-01-01T12:00
is "as of the day before" 0 "$out"
run "$crm" list a.crm customer --where territory = west --explain
ok "explain"
has "explain is one line that says something" "territory" "$out"
run "$crm" list a.crm customer --where territory = west --explain --format json
json "explain for programs" "$out"
has "explain for programs names the plan" "territory" "$(value 'd[0]["plan"]' "$out")"

# Pages: every record once, whatever the size of a page.
for size in 1 2 3; do
    seen= cursor=
    for page in 1 2 3 4 5 6; do
        run "$crm" list a.crm customer --order territory --limit $size --columns name --format csv ${cursor:+--after "$cursor"}
        seen="$seen$(printf '%s\n' "$out" | tail -n +2)
"
        cursor=$(printf '%s\n' "$err" | sed -n 's/.*--after //p')
        [ -n "$cursor" ] || break
    done
    is "pages of $size show each record once" 5 "$(printf '%s' "$seen" | sort -u | grep -c .)"
    is "pages of $size show no record twice" 5 "$(printf '%s' "$seen" | grep -c .)"
done
run "$crm" list a.crm customer --order emails
refused "an order by a list" 2 "'emails' is of type emails, which has no order"
run "$crm" count a.crm customer --by tags
refused "groups by a list" 2 "'tags' is of type tags"
run "$crm" list a.crm customer --after nonsense
is "a cursor that is none" 1 "$status"

for format in json jsonl; do
    run "$crm" list a.crm customer --format $format
    if [ $format = json ]; then
        json "list --format json" "$out"
        is "all of them" 5 "$(value 'len(d)' "$out")"
    else
        while IFS= read -r line; do json "a line of jsonl" "$line"; done <<<"$out"
    fi
done
run "$crm" list a.crm campaign --format json
is "an empty list is an empty array" "[]" "$out"

# A table: all columns but the last begin at the same place in every row.
run "$crm" list a.crm customer --columns name,territory
ok "table"
places=$(printf '%s\n' "$out" | python3 -c '
import sys, unicodedata
def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
places = set()
for line in sys.stdin.read().splitlines():
    for word in ("Territory", "south", "east", "west"):
        if line.endswith(word):
            places.add(width(line[: -len(word)]))
print(len(places))')
is "wide letters keep columns aligned" 1 "$places"
# The most columns that a line of $out takes.
widest() {
    printf '%s\n' "$out" | python3 -c '
import sys, unicodedata
print(max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in sys.stdin.read().splitlines()))'
}

# fits WIDTH: so does the last run's table.
fits() {
    if [ "$(widest)" -le "$1" ]; then pass; else fail "--width $1" "$(widest) columns" "$out"; fi
}

run "$crm" list a.crm customer --columns name,territory,emails --width 30
fits 30
# Many columns that all want room share what there is.
"$crm" init wide.crm --now 2024-01-01 >/dev/null
"$crm" add wide.crm customer name="Zebra Textiles and Sons" >/dev/null
user=$("$crm" add wide.crm user name="Somebody Longname")
"$crm" add wide.crm interaction type=purchase subject="A subject of some length" start=2024-03-01T10:00 amount=12345.67 \
    customer="Zebra Textiles and Sons" owner="$user" status=completed >/dev/null
for width in 80 72; do
    run "$crm" list wide.crm interaction --width $width --columns start,type,subject,customer,owner,amount,status
    fits $width
done
run "$crm" changes wide.crm --format table --width 80
fits 80
has "what does not fit is marked" "…" "$out"
run "$crm" list a.crm customer --columns name,territory,emails
lacks "nothing is shortened where no terminal is" "…" "$out"

# A record cannot speak to the terminal.
evil=$(printf 'Evil \033[31mred\033[0m\aCo \342\200\256txt.exe \302\233 tab\there\nline')
run "$crm" add a.crm customer name="$evil" territory=south
ok "any text is a name"
evil_id=$out
for words in "list a.crm customer" "show a.crm $evil_id" "find a.crm Evil" "history a.crm $evil_id" \
    "changes a.crm --format table"; do
    run "$crm" $words
    if printf '%s' "$out" | LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2\x9b|\xe2\x80\xae'; then
        fail "no control characters: $words" "$(printf '%s' "$out" | cat -v | grep -i evil)"
    else
        pass
    fi
done
run "$crm" show a.crm "$evil_id" --format json
json "JSON escapes what is dangerous" "$out"
is "JSON gives the text back" "$(printf 'Evil \033[31mred' | od -An -c | tr -d ' \n')" \
    "$(value 'd["name"][:13]' "$out" | tr -d '\n' | od -An -c | tr -d ' \n')"

# Timeline: newest first, also what was recorded late.
for day in 03 01 02; do
    "$crm" add a.crm interaction type=call customer=Zebra subject="call $day" start=2024-02-${day}T09:30 >/dev/null
done
run "$crm" timeline a.crm Zebra --columns subject --format csv
is "timeline, newest first" "subject
call 03
call 02
call 01" "$out"
run "$crm" timeline a.crm Zebra --limit 1 --format json
is "timeline, the newest" "call 03" "$(value 'd[0]["subject"]' "$out")"
has "there is more" "--after" "$err"

# A reader that goes away is no error to talk about.
"$crm" list a.crm customer --format jsonl 2>err.txt | head -n 1 >/dev/null
is "head: nothing on standard error" "" "$(cat err.txt)"
if [ -w /dev/full ]; then
    "$crm" list a.crm customer >/dev/full 2>err.txt
    is "a full disk is an error" 1 $?
    has "a full disk is said" "standard output" "$(cat err.txt)"
fi

run "$crm" list a.crm customer --where name = nobody-of-that-name
ok "a list of nothing"
is "it still says what it would show" "Name" "$(printf '%s' "$out" | sed -n '1s/ .*//p')"

finish
