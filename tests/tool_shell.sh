#!/usr/bin/env bash
# The shell: commands piped in, and typed into a terminal (a pseudo-terminal
# driven from Python): editing, completion, Ctrl-C, Ctrl-D, the width of tables.
. "$(dirname "$0")/common_tool.sh"

"$crm" init a.crm >/dev/null
printf '%s\n' '# a comment' 'add customer name="Globex GmbH" tags=vip' "add customer name='Two words'" \
    'add customer name=Three\ Words' '' 'count customer' >script.txt
"$crm" a.crm --actor mia <script.txt >out.txt 2>err.txt
is "a script" 0 $?
is "a script: nothing on standard error" "" "$(cat err.txt)"
is "a script: the last answer" 3 "$(tail -n 1 out.txt)"
run "$crm" history a.crm "Globex GmbH" --format json
is "options of the shell hold for its commands" mia "$(value 'd[0]["actor"]' "$out")"
printf 'count customer\nlst customer\ncount contact\n' | "$crm" a.crm >out.txt 2>err.txt
is "a script that fails somewhere" 2 $?
is "it goes on" "3
0" "$(cat out.txt)"
is "it names the line" "crm: line 2: there is no verb 'lst'; did you mean 'list'?" "$(cat err.txt)"
printf 'add customer name="open\n' | "$crm" a.crm >out.txt 2>err.txt
is "an open quote" 2 $?
printf 'count customer\nquit\ncount contact\n' | "$crm" a.crm >out.txt 2>&1
is "quit leaves" 3 "$(cat out.txt)"
printf 'init other.crm\n' | "$crm" a.crm >out.txt 2>&1
is "init makes no sense here" 2 $?

cat >terminal.py <<'END'
import os, pty, re, select, signal, struct, sys, termios, fcntl, time

def session(columns, arguments, steps):
    """Types each step when the text it waits for was seen; returns all that was printed, and the status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", PS1="")
        os.execv(arguments[0], arguments)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    seen, at = b"", 0
    end = time.time() + 30
    for wanted, typed in steps + [(None, None)]:
        while time.time() < end and (wanted is None or wanted.encode() not in seen[at:]):
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            seen += piece
        if wanted is not None:
            at = len(seen)
            os.write(terminal, typed.encode())
            time.sleep(0.05)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return seen.decode("utf-8", "replace"), status
END
python3 - "$crm" <<'END' >py.txt 2>&1
import re, sys
sys.path.insert(0, ".")
from terminal import session
crm = sys.argv[1]
def check(name, good, detail=""):
    print(("pass" if good else "FAIL"), name, "" if good else repr(detail))

text, status = session(80, [crm, "a.crm"], [
    ("a.crm> ", "coun"), ("coun", "\t"), ("count ", "custo\t\n"), ("\n3", ""), ("a.crm> ", "quit\n")])
check("Tab completes a verb and a kind", "count customer" in text and "\n3\r" in text, text)
check("quit ends well", status == 0, status)

text, status = session(80, [crm, "a.crm"], [
    ("a.crm> ", "add customer na\t"), ("name=", "Typed\n"), ("a.crm> ", "list customer --wh\t"),
    ("where ", "st\t\t"), ("stage_since", "\x03"), ("a.crm> ", "count customer\n"), ("\n4", "\x04")])
check("Tab completes fields and options, lists what is possible", status == 0 and "stage_since" in text, text)
check("Ctrl-C drops the line, Ctrl-D leaves", status == 0, status)

text, status = session(80, [crm, "a.crm"], [
    ("a.crm> ", "count customer\n"), ("\n4", ""), ("a.crm> ", "\x1b[A\n"), ("\n4", ""), ("a.crm> ", "\x04")])
check("the arrow brings the last command back", text.count("\n4\r") == 2, text)

text, status = session(80, [crm, "a.crm"], [
    ("a.crm> ", 'add customer name="上海贸易"\n'), ("a.crm> ", "list customer --columns name\n"), ("Globex", ""),
    ("a.crm> ", "\x04")])
check("letters of any script", "上海贸易" in text.split("Globex")[1], text)

text, status = session(40, [crm, "list", "a.crm", "customer"], [("Typed", "")])
lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()]
check("a table fits its terminal", max(len(line) for line in lines) <= 40, lines)
check("headings are bold on a terminal", "\x1b[1m" in text, text)

text, status = session(80, [crm, "erase", "a.crm", "Typed"], [("Type yes: ", "no\n")])
check("erase asks, and takes no for an answer", status == 1 and "nothing was erased" in text, text)
text, status = session(80, [crm, "erase", "a.crm", "Typed"], [("Type yes: ", "yes\n")])
check("erase does it after yes", status == 0 and "erased" in text, text)
END
while IFS= read -r line; do
    case $line in
    pass*) pass ;;
    *) fail "terminal" "$line" ;;
    esac
done <py.txt
if [ "$(grep -c . py.txt)" -ge 9 ]; then pass; else fail "the terminal session ended early" "$(cat py.txt)"; fi
is "nothing typed is left behind" "" "$(ls -A "$HOME" | grep history)"
: >"$HOME/.crm_history"
python3 - "$crm" <<'END' >py.txt 2>&1
import sys
sys.path.insert(0, ".")
from terminal import session
session(80, [sys.argv[1], "a.crm"], [("a.crm> ", "count customer\n"), ("a.crm> ", "\x04")])
END
has "who wants a history has one" "count" "$(cat "$HOME/.crm_history")"
is "for no other eyes" 600 "$(stat -c %a "$HOME/.crm_history")"

finish
