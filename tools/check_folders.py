#!/usr/bin/env python3
"""Includes point down only.

src, examples and bench see the public header and their own; a folder of lib/
sees itself, the folders below it, and <crm.h>; only lib/sys includes headers
through which the system is called.
"""

import re

from csource import Report, blank, files, read

ORDER = ["sys", "log", "store", "model", "io", "crm", "insight", "api"]  # lowest first
SYSTEM = re.compile(
    r"^(fcntl|unistd|pthread|time|dirent|signal|poll|sched|dlfcn|semaphore|threads|setjmp|locale|utime|ftw|glob|pwd|spawn"
    r"|termios|syslog|wait|uuid/uuid|sys/.*|linux/.*|netinet/.*|arpa/.*)\.h$|^sys/|^linux/"
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def check_library(report, path, line, quote, name):
    folder = path.parts[1]
    if folder not in ORDER:
        report.fault(path, line, f"lib/{folder} is not one of the folders {', '.join(ORDER)}")
    elif quote == "<":
        # uuid/uuid.h is a library's, but it is the one that reads the system's random source.
        if folder != "sys" and SYSTEM.match(name) and name != "uuid/uuid.h":
            report.fault(path, line, f"<{name}> calls the system: only lib/sys may include it")
    elif "/" not in name:
        report.fault(path, line, f'"{name}": name the folder, "{folder}/{name}", or <crm.h>')
    else:
        target = name.split("/")[0]
        if target not in ORDER:
            report.fault(path, line, f'"{name}" is in no folder of lib/')
        elif ORDER.index(target) > ORDER.index(folder):
            report.fault(path, line, f"lib/{folder} includes {name}, which lies above it")


def check_outside(report, path, line, quote, name):
    # The tool's files may include their neighbours; nothing of lib/.
    if quote == '"' and not (path.parent / name).as_posix().startswith(path.parts[0]):
        report.fault(path, line, f'"{name}" reaches outside {path.parts[0]}/')
    if quote == '"' and name.split("/")[0] in ORDER:
        report.fault(path, line, f'"{name}" is internal: {path.parts[0]}/ sees <crm.h> only')


def main():
    report = Report()
    for path in files("lib/**/*.[ch]", "src/**/*.[ch]", "examples/**/*.[ch]", "bench/**/*.[ch]"):
        text = blank(read(path), keep_strings=True)
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            check = check_library if path.parts[0] == "lib" else check_outside
            check(report, path, line, match.group(1), match.group(2))
    report.finish()


if __name__ == "__main__":
    main()
