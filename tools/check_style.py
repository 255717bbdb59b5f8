#!/usr/bin/env python3
"""The rules of style that no compiler knows.

Functions of at most 70 lines, files of at most 800 (above 500 is said), no
banned function, a comment that opens each file, no note to self without an
issue's number.
"""

import re

from csource import Report, blank, files, read

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
FILE_LINES_AIM = 500
LINE_COLUMNS_MAX = 120

# They write without knowing how much room there is, hide errors, or keep state.
BANNED = """sprintf vsprintf strcpy strcat strncpy strncat stpcpy gets atoi atol atoll atof strtok alloca tmpnam
            mktemp tempnam""".split()
# A library must not end its host, start programs, read its environment or keep
# process-wide state; memory comes from the handle's allocator.
BANNED_IN_LIBRARY = """system abort exit _exit atexit rand srand random srandom drand48 assert getenv setenv putenv
            signal sigaction setlocale popen fork localtime gmtime ctime asctime strerror printf fprintf puts putchar
            perror setjmp longjmp""".split()
ONLY_IN_SYS = "malloc calloc realloc free strdup strndup time clock_gettime gettimeofday".split()

# A text is not cut in two to please a rule: one could not search for it.
LONG_LITERAL = re.compile(r'"(?:\\.|[^"\\]){70,}"')
NOTE = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b(?!\s*\(#\d+\))")
# Made in pieces so that this file does not find itself.
PRIVATE_PATH = re.compile(r"(?<![\w.])/(wo" + r"rk|ro" + r"ot|ho" + r"me)/\w")


def calls(names):
    return re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")


CALL_BANNED = calls(BANNED)
CALL_LIBRARY = calls(BANNED_IN_LIBRARY)
CALL_SYS = calls(ONLY_IN_SYS)


def functions(text):
    """(name, first line, last line) of each function body at the top level of blanked text."""
    depth = 0
    start = 0  # where the text since the last top-level ';' or '}' begins
    skip_linkage = []
    for match in re.finditer(r"[{};]|^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", text, re.MULTILINE):
        token = match.group(0)
        if token.lstrip().startswith("#"):
            if depth == 0:
                start = match.end()
        elif token == "{":
            if depth == 0:
                head = text[start : match.start()]
                if re.search(r"extern\s+\"\s*\"\s*$", head):
                    skip_linkage.append(True)
                    start = match.end()
                    continue
                name = re.search(r"(\w+)\s*\((?:[^()]|\([^()]*\))*\)[^()=]*$", head)
                first = start + len(head) - len(head.lstrip())
                opened = (name.group(1), first) if name and "=" not in head else None
                if name and name.group(1) == "START_TEST":
                    opened = (re.search(r"START_TEST\s*\(\s*(\w+)", head).group(1), first)
            depth += 1
        elif token == "}":
            if depth == 0:
                if skip_linkage:
                    skip_linkage.pop()
                start = match.end()
                continue
            depth -= 1
            if depth == 0:
                if opened:
                    yield opened[0], text.count("\n", 0, opened[1]) + 1, text.count("\n", 0, match.start()) + 1
                start = match.end()
        elif depth == 0:
            start = match.end()


def lines_matching(pattern, text):
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match


def check_calls(report, path, text):
    for line, match in lines_matching(CALL_BANNED, text):
        report.fault(path, line, f"{match.group(1)} is banned")
    if path.parts[0] != "lib":
        return
    # A macro in lib/ may not hide them either, so #define lines count too.
    for line, match in lines_matching(CALL_LIBRARY, text):
        report.fault(path, line, f"{match.group(1)} is banned in lib/")
    if path.parts[1] != "sys":
        for line, match in lines_matching(CALL_SYS, text):
            report.fault(path, line, f"{match.group(1)} is for lib/sys only (memory and clock come from the handle)")


def check_c(report, path):
    raw = read(path)
    text = blank(raw)
    count = raw.count("\n")
    if count > FILE_LINES_MAX and path.name not in ("crm.h", "crm_schema.h"):
        report.fault(path, 0, f"{count} lines, more than {FILE_LINES_MAX}: split it by concept")
    elif count > FILE_LINES_AIM and path.name not in ("crm.h", "crm_schema.h"):
        print(f"note: {path}: {count} lines (aim: under {FILE_LINES_AIM})")
    if not raw.startswith("/*"):
        report.fault(path, 1, "does not open with a comment on what it holds and why")
    if not raw.endswith("\n"):
        report.fault(path, count, "no newline at the end")
    for number, line in enumerate(raw.split("\n"), 1):
        if len(line) > LINE_COLUMNS_MAX and path.name != "crm_schema.h" and not LONG_LITERAL.search(line):
            report.fault(path, number, f"{len(line)} columns, more than {LINE_COLUMNS_MAX}")
        if "\t" in line:
            report.fault(path, number, "a tab")
        if line.endswith((" ", "\r")):
            report.fault(path, number, "blanks at the end of the line")
    for name, first, last in functions(text):
        length = last - first + 1
        if length > FUNCTION_LINES_MAX:
            report.fault(path, first, f"{name} has {length} lines, more than {FUNCTION_LINES_MAX}")
    check_calls(report, path, text)


def check_any(report, path):
    raw = read(path)
    for line, match in lines_matching(NOTE, raw):
        report.fault(path, line, f"{match.group(1)} without an issue: write {match.group(1)}(#number) or do it")
    for line, match in lines_matching(PRIVATE_PATH, raw):
        report.fault(path, line, f"a path of somebody's machine: {match.group(0)}…")


def main():
    report = Report()
    c_files = files(*(f"{folder}/**/*.[ch]" for folder in ("lib", "include", "src", "tests", "stress", "fuzz", "examples", "bench", "tools")))
    for path in c_files:
        check_c(report, path)
    others = files("tools/*.py", "tools/*.sh", "tests/*.py", "tests/*.sh", "examples/*.sh", "completions/*", "docs/*", "*.md", "Makefile", "mk/*")
    for path in [*c_files, *others]:
        check_any(report, path)
    report.finish()


if __name__ == "__main__":
    main()
