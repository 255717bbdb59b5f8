#!/usr/bin/env bash
# The file's care through the tool, and the change feed: verify, recover,
# compact, backup, rebuild, read-only places, damage, following.
. "$(dirname "$0")/common_tool.sh"

"$crm" init a.crm --currency USD --lifecycle five --now 2024-01-01 >/dev/null
run "$crm" setting a.crm lifecycle
is "init set the lifecycle" five "$out"
run "$crm" setting a.crm --format csv
has "init set the currency" "currency,USD" "$out"
for i in 1 2 3 4 5 6 7 8 9; do "$crm" add a.crm customer name="Customer $i" --now 2024-01-0$i >/dev/null; done

run "$crm" verify a.crm
ok "verify"
run "$crm" stat a.crm --format json
ok "stat"
json "stat is JSON" "$out"
run "$crm" rebuild a.crm
ok "rebuild"
run "$crm" backup a.crm b.crm
ok "backup"
run "$crm" count b.crm customer
is "the backup has all" 9 "$out"
run "$crm" backup a.crm b.crm
refused "backup does not overwrite" 1 "b.crm"
run "$crm" compact a.crm
ok "compact"
run "$crm" count a.crm customer
is "compact keeps all" 9 "$out"
rm -f a.crm-index
run "$crm" count a.crm customer
is "the index can go" 9 "$out"

# The feed: every change, in order, from where one stopped.
run "$crm" changes b.crm
ok "changes"
lines=$(printf '%s\n' "$out" | grep -c '"operation":"create","kind":"customer"')
is "changes: a line each" 9 "$lines"
last=$(value 'd["lsn"]' "$(printf '%s\n' "$out" | sed -n '$p')")
while IFS= read -r line; do json "a change" "$line"; done <<<"$out"
"$crm" set b.crm "Customer 3" name="Customer Three" >/dev/null
run "$crm" changes b.crm --since "$last"
is "changes since: only what is new" 1 "$(printf '%s\n' "$out" | wc -l)"
is "changes: old and new value" "Customer 3 Customer Three" \
    "$(value 'd["fields"]["name"]["old"] + " " + d["fields"]["name"]["new"]' "$out")"
is "changes: what" update "$(value 'd["operation"]' "$out")"
run "$crm" changes b.crm --as-of 2024-01-05
is "changes as of a past time" 5 "$(printf '%s\n' "$out" | grep -c '"operation":"create","kind":"customer"')"
run "$crm" changes b.crm --as-of 2024-01-05 --follow
refused "changes as of a past time cannot follow" 2 "--as-of"
"$crm" changes b.crm --since "$((last + 1))" --follow >follow.txt 2>follow.err &
follower=$!
sleep 0.3
"$crm" add b.crm customer name=Late >/dev/null
for wait in 1 2 3 4 5 6 7 8 9 10; do
    grep -q Late follow.txt && break
    sleep 0.3
done
has "follow hands out what comes" '"Late"' "$(cat follow.txt)"
kill -INT $follower
wait $follower
is "follow ends on Ctrl-C" 130 $?
is "follow ends quietly" "" "$(cat follow.err)"
run "$crm" changes b.crm --follow --format json
refused "follow has no end for JSON" 2 "jsonl"

# Damage: said, not read as data; the rest is salvaged.
size=$(stat -c %s a.crm)
cp a.crm damaged.crm
for at in $((8192 + (size - 8192) * 6 / 10)); do
    printf '\377\377\377\377' | dd of=damaged.crm bs=1 seek="$at" conv=notrunc 2>/dev/null
done
rm -f damaged.crm-index
run "$crm" verify damaged.crm
is "damage is found" 1 "$status"
has "damage: where" "damaged.crm" "$err"
has "damage: what to do" "recover" "$err"
run "$crm" recover damaged.crm saved.crm
is "recover" 0 "$status"
run "$crm" verify saved.crm
ok "what was saved is sound"
run "$crm" recover damaged.crm saved.crm
refused "recover does not overwrite" 1 "saved.crm"
run "$crm" recover nothing.crm other.crm
refused "recover of nothing" 1 "nothing.crm"

# Places that cannot be written.
mkdir locked
cp b.crm locked/c.crm
chmod 444 locked/c.crm
chmod 555 locked
if is_root; then
    skipped=$((skipped + 2))
else
    run "$crm" count locked/c.crm customer
    is "reading needs no right to write" 10 "$out"
    run "$crm" add locked/c.crm customer name=No
    is "writing needs it" 1 "$status"
fi
chmod 755 locked
run "$crm" count b.crm customer --read-only
is "--read-only reads" 10 "$out"
run "$crm" add b.crm customer name=No --read-only
is "--read-only refuses to write" 1 "$status"
run "$crm" init nowhere/a.crm
refused "init where no folder is" 1 "nowhere/a.crm"

# A user's own kind works as a built-in one.
run "$crm" kind b.crm add machine
ok "kind add"
run "$crm" kind b.crm add machine
is "no kind twice" 1 "$status"
run "$crm" field add b.crm machine name text --indexed --required
ok "field add"
run "$crm" field b.crm add machine owner_company ref --target customer
ok "field add, a reference"
run "$crm" field b.crm add machine state choice --choices idle,busy
ok "field add, a choice"
run "$crm" field b.crm add machine weight decimal --scale 3
ok "field add, a decimal"
run "$crm" field b.crm add machine colour colour
refused "field add: no such type" 2 "text"
run "$crm" field b.crm add machine place ref
refused "field add: a reference to nothing" 2 "--target"
run "$crm" add b.crm machine name="Press 4" owner_company="Late" state=busy weight=1.250
ok "add of an own kind"
run "$crm" list b.crm machine --where state = busy --format json
is "list of an own kind" "Press 4 1.25 Late" \
    "$(value 'd[0]["name"] + " " + str(d[0]["weight"]) + " " + d[0]["owner_company"]["name"]' "$out")"
run "$crm" schema b.crm machine --format csv
has "schema of an own kind" "state,choice,,\"idle, busy\"" "$out"

finish
