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
import fcntl, os, pty, select, signal, struct, termios, time

def session(columns, arguments, steps):
    """Types each step once the program says no more; returns all that was printed, and the status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm")
        os.execv(arguments[0], arguments)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    seen, end = b"", time.time() + 60
    for typed in steps + [None]:
        fresh = False
        while time.time() < end:
            if not select.select([terminal], [], [], 0.4 if fresh else 5)[0]:
                break
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            seen, fresh = seen + piece, True
        if typed is not None:
            os.write(terminal, typed.encode())
    while time.time() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return seen.decode("utf-8", "replace"), os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return seen.decode("utf-8", "replace"), "hangs"
END
python3 - "$crm" <<'END' >py.txt 2>&1
import re, sys
sys.path.insert(0, ".")
from terminal import session
crm = sys.argv[1]
def check(name, good, detail=""):
    print(("pass" if good else "FAIL"), name, "" if good else repr(detail))

text, status = session(80, [crm, "a.crm"], ["coun\t", "custo\t\n", "quit\n"])
check("Tab completes a verb and a kind", "\n3\r" in text, text)
check("quit ends well", status == 0, status)

text, status = session(80, [crm, "a.crm"], [
    "add customer na\t", "Typed\n", "list customer --wh\t", "stag\t", "\t", "\x03", "count customer\n", "\x04"])
check("Tab completes fields and options, and lists what is possible", "stage_since" in text, text)
check("Ctrl-C drops the line, the shell goes on", "\n4\r" in text, text)
check("Ctrl-D leaves", status == 0, status)

text, status = session(80, [crm, "a.crm"], ["count customer\n", "\x1b[A\n", "\x04"])
check("the arrow brings the last command back", text.count("\n4\r") == 2, text)

text, status = session(80, [crm, "a.crm"], [
    'add customer name="上海贸易"\n', "list customer --columns name --format csv\n", "\x04"])
check("letters of any script", "\n上海贸易\r" in text, text)

text, status = session(40, [crm, "list", "a.crm", "customer"], [])
lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()]
check("a table fits its terminal", max(len(line) for line in lines) <= 40, lines)
check("headings are bold on a terminal", "\x1b[1m" in text, text)

text, status = session(80, [crm, "erase", "a.crm", "Typed"], ["no\n"])
check("erase asks, and takes no for an answer", status == 1 and "nothing was erased" in text, text)
text, status = session(80, [crm, "erase", "a.crm", "Typed"], ["yes\n"])
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
session(80, [sys.argv[1], "a.crm"], ["count customer\n", "\x04"])
END
has "who wants a history has one" "count" "$(cat "$HOME/.crm_history")"
is "for no other eyes" 600 "$(stat -c %a "$HOME/.crm_history")"

finish
