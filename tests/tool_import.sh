#!/usr/bin/env bash
# Import, export and undo through the tool: counts that add up, rejects with
# line, column and reason, an export that comes back to the same.
. "$(dirname "$0")/common_tool.sh"

"$crm" init a.crm >/dev/null
cat >people.csv <<'END'
First Name,last_name,Mail,birthdate,Shoe
Anna,Kern,kern@a.example,1980-02-29,38
Bea,Lang,lang@a.example,1981-02-29,39
Cem,,cem@a.example,,40
Çağla,Öz,oz@a.example,1990-01-01,41
END
run "$crm" import a.crm contact people.csv
is "a column without a field stops it" 1 "$status"
has "it names the column" "Mail" "$err"
run "$crm" count a.crm contact
is "and nothing went in" 0 "$out"

run "$crm" import a.crm contact people.csv --map emails=Mail --ignore Shoe --dry-run --format json
is "dry run" 0 "$status"
json "counts as JSON" "$out"
is "dry run: the real counts" "4 2 2" "$(value 'str(d["read"]) + " " + str(d["created"]) + " " + str(d["rejected"])' "$out")"
run "$crm" count a.crm contact
is "dry run: nothing went in" 0 "$out"
rm -f people.csv.rejects.csv

run "$crm" import a.crm contact people.csv --map emails=Mail --ignore Shoe --batch first --format json
is "import" 0 "$status"
is "created + updated + unchanged + filtered + merged + rejected = read" True \
    "$(value 'sum(d[k] for k in ("created", "updated", "unchanged", "filtered", "merged", "rejected")) == d["read"]' "$out")"
run cat people.csv.rejects.csv
is "rejects: heading, and one line each" "line,column,why,row
3
4" "$(printf '%s\n' "$out" | sed 's/^\([0-9]*\),.*/\1/')"
has "rejects: the impossible date" '3,4,' "$out"
has "rejects: the row as it was" '"Bea,Lang,lang@a.example,1981-02-29,39"' "$out"
run "$crm" list a.crm contact --order last_name --columns first_name,last_name,emails --format csv
is "what went in" "first_name,last_name,emails
Anna,Kern,kern@a.example
Çağla,Öz,oz@a.example" "$out"

printf '{"last_name":"Good"}\n{last_name:"Bad"}\n' >one.jsonl
run "$crm" import a.crm contact one.jsonl --dry-run
has "a fault of JSON Lines: one place, that in the file" "one.jsonl: line 2, column 1: a key in quotes is missing" "$err"
rm -f one.jsonl.rejects.csv
printf 'last_name\n"never closed\n' >open.csv
run "$crm" import a.crm contact open.csv --dry-run
has "a fault of CSV: likewise" "open.csv: line 2, column 1: a quote that is never closed" "$err"
rm -f open.csv.rejects.csv

run "$crm" import a.crm contact people.csv --map emails=Mail --ignore '*' --strict
is "strict: refused" 1 "$status"
run "$crm" count a.crm contact
is "strict: nothing went in" 2 "$out"
printf 'last_name;emails\nKern-Lang;kern@a.example\nNeu;neu@a.example\n' >more.csv
run "$crm" import a.crm contact more.csv --match emails --format json
is "match: one changed, one new" "1 1" "$(value 'str(d["updated"]) + " " + str(d["created"])' "$out")"
batch=$(value 'd["batch"]' "$out")
run "$crm" import a.crm contact more.csv --match emails --format json
is "match: again changes nothing" 2 "$(value 'd["unchanged"]' "$out")"
run "$crm" import a.crm contact more.csv --match emails
lacks "nothing went in, so nothing is to be taken back" "undo" "$err"
run "$crm" undo a.crm --format csv
is "undo without a name lists the batches" "first
more.csv" "$(printf '%s\n' "$out" | sed '1d; s/[@,].*//' | sort -u)"
run "$crm" undo a.crm "$batch"
is "undo" 0 "$status"
run "$crm" list a.crm contact --order last_name --columns last_name --format csv
is "undo gave the old state back" "last_name
Kern
Öz" "$out"
run "$crm" undo a.crm "$batch"
has "a second undo says that there is nothing left" "nothing is left to undo" "$out"
run "$crm" undo a.crm nothing-of-that-name
refused "undo of a batch that is none" 1 "nothing-of-that-name"

printf '{"last_name":"Json","emails":["j1@a.example","j2@a.example"]}\n{"last_name":"Zwei"}\n' |
    "$crm" import a.crm contact - >out.txt 2>err.txt
is "from standard input" 0 $?
run "$crm" find a.crm j2@a.example
has "JSON lists come in whole" "Json" "$out"

run "$crm" import a.crm contact missing.csv
refused "no such input" 1 "missing.csv"
run "$crm" import a.crm contact .
refused "a folder is no input" 1 "folder"
run "$crm" import a.crm contact people.csv --mapping missing.map
refused "no such mapping" 1 "missing.map"
run "$crm" import a.crm contact people.csv --map nofield=Mail
is "a map to no field" 1 "$status"

# Out and in again: equal files.
"$crm" add a.crm customer name='Qu"ote, Sons; & Co' phones='+49 30 901820' tags='a;b' annual_revenue=12.34 \
    description="two
lines" >/dev/null
for kind in customer contact; do
    for format in csv jsonl; do
        run "$crm" export a.crm $kind $kind.$format --format $format
        ok "export $kind $format"
    done
done
for format in csv jsonl; do
    "$crm" init $format.crm >/dev/null
    for kind in customer contact; do
        run "$crm" import $format.crm $kind $kind.$format
        is "import of the export, $kind $format" 0 "$status"
        run "$crm" export $format.crm $kind --format $format
        is "it exports to the same bytes, $kind $format" "$(cat $kind.$format)" "$out"
    done
done
# References that lead forwards and round in a circle: in twice, first without them.
for file in circle.crm again.crm; do
    "$crm" init $file >/dev/null
    "$crm" field $file add customer main_contact ref --target contact >/dev/null
    "$crm" field $file add customer partner ref --target customer >/dev/null
done
for name in A B; do "$crm" add circle.crm customer name=$name >/dev/null; done
"$crm" add circle.crm contact last_name=Kern customer=A >/dev/null
"$crm" set circle.crm customer:A partner=B main_contact=Kern >/dev/null
"$crm" set circle.crm customer:B partner=A >/dev/null
for kind in customer contact; do "$crm" export circle.crm $kind $kind.csv; done
run "$crm" import again.crm customer customer.csv --ignore main_contact --ignore partner --quiet
ok "in without the references"
run "$crm" import again.crm contact contact.csv --quiet
ok "in with what they lead to"
run "$crm" import again.crm customer customer.csv --quiet
ok "in with the references"
for kind in customer contact; do
    run "$crm" export again.crm $kind
    is "circles come back, $kind" "$(cat $kind.csv)" "$out"
done

run "$crm" export a.crm contact --where last_name = Kern --columns last_name,emails
is "export of some fields" "last_name,emails
Kern,kern@a.example" "$out"
run "$crm" export a.crm contact --format xml
refused "export knows two formats" 2 "table, csv, json, jsonl"
# A slip of the hand must not cost the database.
for place in a.crm ./a.crm a.crm-index; do
    touch a.crm-index
    run "$crm" export a.crm contact $place
    refused "export over the database, $place" 2 "is the database"
    run "$crm" import a.crm contact open.csv --rejects $place
    refused "rejects over the database, $place" 2 "is the database"
done
run "$crm" import a.crm contact open.csv --rejects open.csv
refused "rejects over the input" 2 "is what is read"
run "$crm" verify a.crm
is "the database is whole" 0 "$status"
run "$crm" export a.crm contact nowhere/out.csv
refused "export to a place that is none" 1 "nowhere/out.csv"

# A disk that gets full: the rows of whole batches are in, and it says how to take them back.
"$crm" init full.crm >/dev/null
{
    echo last_name
    seq -f 'A person whose name takes some room %g' 1 3000
} >many.csv
full() { (trap '' XFSZ && ulimit -f 2 && exec "$@"); }
run full "$crm" import full.crm contact many.csv
is "full before the first batch" 1 "$status"
lacks "nothing to take back" "undo" "$err"
full() { (trap '' XFSZ && ulimit -f 120 && exec "$@"); }
run full "$crm" import full.crm contact many.csv --batch-rows 100
is "full after some batches" 1 "$status"
has "it says how to take back what went in" "crm undo full.crm many.csv@" "$err"
batch=$("$crm" undo full.crm --format csv | sed -n '2s/,.*//p')
run "$crm" undo full.crm "$batch"
is "and so it goes" 0 "$status"
run "$crm" count full.crm contact
is "nothing is left of it" 0 "$out"

finish
