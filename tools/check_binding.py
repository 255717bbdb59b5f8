#!/usr/bin/env python3
"""check_binding.py [VERSION]: the public header can be called from every language.

- crm.h holds declarations only: no inline function, no varargs, no bit-field,
  no structure by value, and in signatures only fixed-width integers, size_t,
  double, char text, void, and pointers to those or to the header's own types.
- Function pointers appear only as named types, and only in the hooks that are
  set on an options object: results never need a callback.
- Every constant is a number that is written out.
- Every function is explained: by a comment of its own, before or behind it, or
  by the one that opens its paragraph.
- crm_schema.h, the typed layer, holds constants, types, static inline functions,
  and declarations that keep the same rules.
- The version numbers agree.
"""

import re
import sys

from csource import Report, blank, read

HEADER = "include/crm.h"
SCHEMA = "include/crm_schema.h"
SCALARS = {"int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "size_t", "double"}
POINTED = SCALARS | {"char", "void"}
HOOK_SETTER = re.compile(r"^crm_options_set_\w+$")


def without_directives(text):
    """Blanked text without preprocessor lines and the C++ linkage braces around everything."""
    text = re.sub(r"#\s*ifdef\s+__cplusplus.*?#\s*endif", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.DOTALL)
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.MULTILINE)


def statements(text):
    """(offset, statement) for each top-level declaration; a body counts as part of it."""
    depth, start = 0, 0
    for match in re.finditer(r"[{};]", text):
        token = match.group(0)
        depth += (token == "{") - (token == "}")
        body_ends = token == "}" and depth == 0 and re.search(r"\)\s*\{", text[start : match.end()]) is not None
        if depth == 0 and (token == ";" or body_ends):
            piece = text[start : match.end()]
            yield start + len(piece) - len(piece.lstrip()), piece.strip()
            start = match.end()


def prototype(statement):
    """(result, name, [parameters]) of a function declaration, else None."""
    match = re.match(r"^((?:[\w\s]|\*)+?)\b(\w+)\s*\((.*)\)\s*;$", " ".join(statement.split()))
    if not match or match.group(1).split()[0] == "typedef":
        return None
    parameters = [part.strip() for part in match.group(3).split(",")]
    return match.group(1).strip(), match.group(2), parameters


def declared_functions():
    """The names of every function that the public headers declare, inline ones left out."""
    names = set()
    for header in (HEADER, SCHEMA):
        text = without_directives(blank(read(header)))
        found = (prototype(statement) for _, statement in statements(text))
        names.update(item[1] for item in found if item)
    return names


def own_types(text):
    handles = set(re.findall(r"typedef\s+struct\s+(\w+)\s+\w+\s*;", text))
    structures = set(re.findall(r"typedef\s+struct\s+\w*\s*\{[^}]*\}\s*(\w+)\s*;", text))
    hooks = set(re.findall(r"typedef\s+[\w\s*]+\(\s*\*\s*(\w+)\s*\)", text))
    return handles, structures, hooks


def type_fault(declaration, types, parameter):
    """Why a parameter's or result's type cannot cross a binding, or None."""
    handles, structures, hooks = types
    words = [word for word in re.sub(r"\*", " * ", declaration).split() if word not in ("const", "CRM_API", "extern")]
    if words == ["void"]:
        return None
    if "..." in declaration:
        return "takes variable arguments"
    if "[" in declaration:
        return f"`{declaration}` is an array: write a pointer"
    base, stars = words[0], words.count("*")
    if base in hooks:
        return None if parameter == "hook" else f"`{declaration}`: a callback outside the options' hooks"
    if base in ("struct", "union", "enum"):
        return f"`{declaration}` names a {base} type: use the typedef"
    if stars == 0:
        if base in structures | handles:
            return f"`{declaration}` passes a structure by value"
        return None if base in SCALARS else f"`{declaration}`: `{base}` has no fixed width"
    return None if base in POINTED | structures | handles else f"`{declaration}`: unknown type `{base}`"


def check_function(report, path, line, function, types):
    result, name, parameters = function
    if not name.startswith("crm_"):
        report.fault(path, line, f"{name} does not begin with crm_")
    if "CRM_API" not in result:
        report.fault(path, line, f"{name} is not marked CRM_API")
    if re.search(r"\b(inline|static)\b", result):
        report.fault(path, line, f"{name} is inline: bindings could not call it")
    parameter = "hook" if HOOK_SETTER.match(name) else "plain"
    for declaration in [result, *parameters]:
        fault = type_fault(declaration, types, parameter)
        if fault:
            report.fault(path, line, f"{name}: {fault}")


def explained(raw_lines, first, last):
    """Whether lines first..last carry a comment, or their paragraph has one above them."""
    if any("/*" in raw_lines[number] for number in range(first, last + 1)):
        return True
    number = first - 1
    while number >= 0 and raw_lines[number].strip():
        if "*/" in raw_lines[number]:
            return True
        number -= 1
    return False


def check_constants(report, path, text):
    for match in re.finditer(r"\benum\b[^{;]*\{([^}]*)\}", text):
        for item in filter(None, (part.strip() for part in match.group(1).split(","))):
            line = text.count("\n", 0, match.start(1) + match.group(1).find(item)) + 1
            if not re.match(r"^\w+\s*=\s*\(?-?(0[xX][0-9a-fA-F]+|\d+|INT\d+_C\(-?\d+\))\)?$", item):
                report.fault(path, line, f"the constant `{item}` is not a number that is written out")
            if not item.startswith("CRM_"):
                report.fault(path, line, f"the constant `{item}` does not begin with CRM_")


def check_structures(report, text):
    for match in re.finditer(r"struct\s+(\w+)\s*\{([^}]*)\}", text):
        if re.search(r":\s*\d", match.group(2)):
            report.fault(HEADER, text.count("\n", 0, match.start()) + 1, f"{match.group(1)} has a bit-field")


def check_declarations(report, path, types):
    raw = read(path)
    text = without_directives(blank(raw))
    lines = raw.split("\n")
    check_constants(report, path, text)
    for offset, statement in statements(text):
        first = text.count("\n", 0, offset)
        function = prototype(statement)
        if re.search(r"\)\s*\{", statement):
            if path == HEADER:
                report.fault(path, first + 1, "a function body: the exported core needs none")
            elif not re.match(r"^static\s+inline\b", statement):
                report.fault(path, first + 1, f"`{statement[:50]}` is not static inline")
        elif function:
            check_function(report, path, first + 1, function, types)
            if not explained(lines, first, first + statement.count("\n")):
                report.fault(path, first + 1, f"{function[1]} has no comment")


def check_version(report, version):
    text = read(HEADER)
    major, minor, patch = (int(part) for part in version.split("."))
    name = re.search(r'#define CRM_VERSION "([^"]*)"', text)
    number = re.search(r"#define CRM_VERSION_NUMBER (\d+)", text)
    if not name or name.group(1) != version:
        report.fault(HEADER, 0, f"CRM_VERSION is not the Makefile's {version}")
    if not number or int(number.group(1)) != major * 10000 + minor * 100 + patch:
        report.fault(HEADER, 0, f"CRM_VERSION_NUMBER does not say {version}")
    if f"## {version}" not in read("CHANGELOG.md"):
        report.fault("CHANGELOG.md", 0, f"has no section for {version}")


def main():
    report = Report()
    text = without_directives(blank(read(HEADER)))
    check_structures(report, text)
    for header in (HEADER, SCHEMA):
        check_declarations(report, header, own_types(text))
    if len(sys.argv) > 1:
        check_version(report, sys.argv[1])
    report.finish()


if __name__ == "__main__":
    main()
