#!/usr/bin/env bash
# One record's life through the tool: add, set, show, history, delete, restore,
# stage, erase; names, conflicts, and who did it.
. "$(dirname "$0")/common_tool.sh"

"$crm" init a.crm --now 2024-01-01 >/dev/null
run "$crm" add a.crm customer name="Globex GmbH" phones="+49 30 901820" phones="+49 30 901821" tags=vip \
    type=company annual_revenue=1,234,567.50 --now 2024-01-02T10:00 --actor mia --reason "met at the fair"
ok "add"
id=$out
is "add prints an id" 36 "${#id}"
run "$crm" add a.crm contact first_name=Anna last_name=Kern emails=kern@globex.example emails=anna@globex.example \
    customer="Globex GmbH" --now 2024-01-02T11:00
ok "add with a reference by name"
contact=$out

run "$crm" show a.crm "Globex GmbH" --format json
ok "show by name"
json "show is JSON" "$out"
is "show: money is a number" 1234567.5 "$(value 'd["annual_revenue"]' "$out")"
is "show: both phones" 2 "$(value 'len(d["phones"])' "$out")"
is "show: created by" mia "$(value 'd["created_by"]' "$out")"
is "show: when" 2024-01-02T10:00:00Z "$(value 'd["created_at"]' "$out")"
is "show: the contact belongs to it" Kern "$(value 'd["contacts"][0]["last_name"]' "$out")"
is "show: first of two e-mails" kern@globex.example "$(value 'd["contacts"][0]["emails"][0]["value"]' "$out")"
is "show: a reference has id and name" "$id Globex GmbH" \
    "$(value 'd["contacts"][0]["customer"]["id"] + " " + d["contacts"][0]["customer"]["name"]' "$out")"
for name in "$id" "globex gmbh" "customer:Globex GmbH" "+49 30 901821"; do
    run "$crm" show a.crm "$name" --format json
    is "show finds $name" "$id" "$(value 'd["id"]' "$out")"
done
run "$crm" show a.crm anna@globex.example --format json
is "show finds a contact by e-mail" "$contact" "$(value 'd["id"]' "$out")"
run "$crm" show a.crm contact kern@globex.example
ok "show KIND RECORD"
has "show: the page names the customer" "Globex GmbH" "$out"
run "$crm" show a.crm "Globex GmbH"
has "show: money for people" "1,234,567.50 EUR" "$out"
has "show: a section of contacts" "Contacts" "$out"

run "$crm" set a.crm "Globex GmbH" industry=machines --now 2024-01-03
refused "unknown choice" 1 "it has: none yet; choices may be added"
run "$crm" choice a.crm add customer industry machines
ok "choice add"
run "$crm" set a.crm "Globex GmbH" industry=machines phones+="+49 30 901822" phones-="+49 30 901820" \
    --now 2024-01-03 --reason "moved"
ok "set"
run "$crm" show a.crm "$id" --format json
is "set: list items added and taken out" "+49 30 901821 +49 30 901822" \
    "$(value '" ".join(p["value"] for p in d["phones"])' "$out")"
is "set: the next version" 2 "$(value 'd["version"]' "$out")"
run "$crm" set a.crm "$id" employees=12 --version 1
refused "set: an old version is a conflict" 1 "--version"
run "$crm" set a.crm "$id" employees=12 --version 2
ok "set: the right version"
run "$crm" set a.crm "$id" employees=many
refused "set: not a number" 1 "employees"
run "$crm" set a.crm "$id" employes=13
refused "set: unknown field" 2 "did you mean 'employees'?"
run "$crm" set a.crm "$id"
refused "set: nothing to set" 2 "FIELD=VALUE"
run "$crm" set a.crm "$id" employees=
ok "set: cleared"
run "$crm" show a.crm "$id" --format json
is "set: a cleared field is gone" False "$(value '"employees" in d' "$out")"

run "$crm" history a.crm "$id" --format jsonl
ok "history"
is "history: four versions" 4 "$(printf '%s\n' "$out" | wc -l)"
first=$(printf '%s\n' "$out" | sed -n 1p) second=$(printf '%s\n' "$out" | sed -n 2p)
is "history: who and why" "mia met at the fair" "$(value 'd["actor"] + " " + d["reason"]' "$first")"
is "history: old and new" "None machines" \
    "$(value 'str(d["fields"]["industry"]["old"]) + " " + d["fields"]["industry"]["new"]' "$second")"
is "history: who when nobody is named" tester "$(value 'd["actor"]' "$second")"
run "$crm" history a.crm "$id"
has "history for people" "industry" "$out"
has "history says why" "moved" "$out"

run "$crm" add a.crm customer name="Globex GmbH"
run "$crm" show a.crm "Globex GmbH"
refused "an ambiguous name" 1 "$id"
has "an ambiguous name lists both" "more than one" "$err"
run "$crm" show a.crm "customer:Globe"
refused "a name that none has" 1 "Globex GmbH"

run "$crm" show a.crm "$id" --as-of 2024-01-02T12:00 --format json
is "as of the day before" 1 "$(value 'd["version"]' "$out")"
run "$crm" show a.crm "$id" --as-of 2024-01-01T12:00
refused "as of before it was made" 1 "at that time"

run "$crm" delete a.crm "$contact" --reason "left"
ok "delete"
run "$crm" count a.crm contact
is "deleted: not counted" 0 "$out"
run "$crm" list a.crm contact --deleted --columns name --format csv
is "deleted: listed on request" "name
Anna Kern" "$out"
run "$crm" restore a.crm "Anna Kern"
ok "restore by name"
run "$crm" count a.crm contact
is "restored: counted" 1 "$out"

run "$crm" stage a.crm "$id" churned
refused "a move that the lifecycle forbids" 1 "churned"
has "it names both stages" "acquaintance" "$err"
run "$crm" stage a.crm "$id" drfting
refused "an unknown stage" 2 "drifting"
run "$crm" stage a.crm "$id" stable --reason "second order"
ok "stage"
run "$crm" stage a.crm "$id" --format json
ok "stages so far"
is "stages so far: the last" stable "$(value 'd[-1]["to"]' "$out")"

run "$crm" find a.crm "0049 (30) 90 18 22"
ok "find by a phone number in another form"
has "find: by phone" "Globex GmbH" "$out"
for number in ０３０９０１８２２ '+٤٩ ٣٠ ٩٠١٨٢٢' 'tel:+49-30-901822' 'Tel.: 030/901822' '901822 ext. 7'; do
    run "$crm" find a.crm "$number"
    has "find: $number" "Globex GmbH" "$out"
done
run "$crm" show a.crm '٠٣٠ ٩٠١٨٢٢'
has "a record named by its number in other digits" "Globex GmbH" "$out"
run "$crm" find a.crm KERN --format json
is "find by the family name" contact "$(value 'd[0]["kind"]' "$out")"
run "$crm" find a.crm anna@globex.example --format csv
has "find by the second e-mail" "$contact" "$out"
run "$crm" find a.crm nobodyhasthis
refused "find nothing" 1 "nobodyhasthis"

# The currency counts wherever it stands.
for words in 'amount=1200 currency=JPY' 'currency=JPY amount=1200'; do
    run "$crm" add a.crm opportunity name=Yen close_date=2024-12-31 $words
    yen=$out
    run "$crm" show a.crm opportunity "$yen" --format json
    is "an amount in its own currency: $words" 1200 "$(value 'd["amount"]' "$out")"
done
run "$crm" set a.crm opportunity "$yen" amount=1.234 currency=KWD
run "$crm" show a.crm opportunity "$yen" --format json
is "another currency with its amount" 1.234 "$(value 'd["amount"]' "$out")"

run "$crm" add a.crm user name=Mia
run "$crm" add a.crm customer name="Kick-off Ltd"
run "$crm" add a.crm interaction type=meeting subject=Kick-off participants=contact:anna@globex.example participants=user:Mia
ok "several references, one word each"
meeting=$out
run "$crm" set a.crm interaction "$meeting" participants+="customer:Kick-off Ltd" participants-=user:Mia
ok "a reference put in and one taken out"
run "$crm" show a.crm interaction "$meeting" --format json
is "the references that are left" "contact customer" \
    "$(value '" ".join(p["record"]["kind"] for p in d["participants"])' "$out")"
is "all in one version" 2 "$(value 'd["version"]' "$out")"
run "$crm" set a.crm interaction "$meeting" participants-=user:Mia
refused "take out a reference that is not there" 1 "there is no 'user:Mia' to take out"
run "$crm" set a.crm interaction "$meeting" participants+=user:Nobody
refused "a reference to nobody" 1 "Nobody"

run "$crm" erase a.crm "$contact" --yes --reason "asked for it"
is "erase" 0 "$status"
run "$crm" compact a.crm
is "compact" 0 "$status"
if grep -qa "anna@globex" a.crm; then fail "erased bytes are gone"; else pass; fi
run "$crm" verify a.crm
ok "sound after all that"
has "verify says so" "sound" "$out"

finish
