#!/usr/bin/env python3
"""The checks behind `make lint` find what they are there to find.

Each case writes a small tree with one fault and expects exactly the report of
that fault; the same tree without it passes.
"""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

import check_binding  # noqa: E402
import check_folders  # noqa: E402
import check_style  # noqa: E402
import csource  # noqa: E402

HEADER = """/* h */
#ifndef CRM_H
#define CRM_H
#ifdef __cplusplus
extern "C" {
#endif
#define CRM_API
#define CRM_VERSION_NUMBER 102
#define CRM_VERSION "0.1.2"
typedef struct crm_db crm_db;
typedef struct crm_id {
    uint8_t bytes[16];
} crm_id;
typedef void (*crm_log_function)(void *context, int32_t status);
enum { CRM_OK = 0, CRM_LOW = -1 };
/* Opens. */
CRM_API int32_t crm_open(const char *path, crm_db **db);
CRM_API void crm_options_set_log(crm_db *db, crm_log_function log, void *context);
%s
#ifdef __cplusplus
}
#endif
#endif
"""


class Checks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.kept = csource.ROOT
        csource.ROOT = self.root
        self.write("include/crm_schema.h", "/* s */\nenum { CRM_KIND_CUSTOMER = 1 };\n")
        self.write("CHANGELOG.md", "## 0.1.2\n")

    def tearDown(self):
        csource.ROOT = self.kept
        self.folder.cleanup()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def run_check(self, main, *arguments):
        """(exit status, lines of faults)."""
        out = io.StringIO()
        kept, sys.argv = sys.argv, ["check", *arguments]
        try:
            with contextlib.redirect_stdout(out), self.assertRaises(SystemExit) as ended:
                main()
        finally:
            sys.argv = kept
        lines = [line for line in out.getvalue().splitlines() if not line.startswith("note:")]
        return ended.exception.code, lines

    def assert_fault(self, main, path, line, words, *arguments):
        status, lines = self.run_check(main, *arguments)
        self.assertEqual(status, 1, lines)
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(f"{path}:{line}: "), lines[0])
        self.assertIn(words, lines[0])

    def assert_clean(self, main, *arguments):
        self.assertEqual(self.run_check(main, *arguments), (0, []))

    # Folders

    def test_include_of_a_lower_folder_is_fine(self):
        self.write("lib/log/log.c", '/* l */\n#include "sys/file.h"\n#include <crm.h>\n#include <string.h>\n')
        self.assert_clean(check_folders.main)

    def test_include_of_a_higher_folder_is_found(self):
        self.write("lib/sys/file.c", '/* f */\n#include "log/log.h"\n')
        self.assert_fault(check_folders.main, "lib/sys/file.c", 2, "lies above")

    def test_include_in_a_comment_is_ignored(self):
        self.write("lib/sys/file.c", '/* f\n#include "log/log.h"\n*/\n')
        self.assert_clean(check_folders.main)

    def test_system_header_outside_sys_is_found(self):
        self.write("lib/log/log.c", "/* l */\n#include <unistd.h>\n")
        self.write("lib/sys/file.c", "/* f */\n#include <unistd.h>\n#include <sys/stat.h>\n")
        self.assert_fault(check_folders.main, "lib/log/log.c", 2, "only lib/sys")

    def test_internal_header_in_the_tool_is_found(self):
        self.write("src/main.c", '/* m */\n#include "log/log.h"\n')
        self.assert_fault(check_folders.main, "src/main.c", 2, "internal")

    # Style

    def test_function_of_70_lines_passes_and_71_does_not(self):
        for filler, status in ((67, 0), (68, 1)):  # signature, two braces, filler
            self.write("lib/sys/a.c", "/* a */\nint f(int x)\n{\n" + "    x++;\n" * filler + "}\n")
            with self.subTest(filler=filler):
                self.assertEqual(self.run_check(check_style.main)[0], status)

    def test_long_function_behind_an_initialised_table_is_found(self):
        table = "static const int table[] = {\n" + "    1,\n" * 100 + "};\n"
        self.write("lib/sys/a.c", "/* a */\n" + table + "int f(int x)\n{\n" + "    x++;\n" * 70 + "}\n")
        self.assert_fault(check_style.main, "lib/sys/a.c", 104, "f has 73 lines")

    def test_long_test_case_is_found_by_its_name(self):
        self.write("tests/test_a.c", "/* a */\nSTART_TEST(opens)\n{\n" + "    x();\n" * 70 + "}\nEND_TEST\n")
        self.assert_fault(check_style.main, "tests/test_a.c", 2, "opens has 73 lines")

    def test_banned_function_is_found_and_its_look_alikes_are_not(self):
        self.write("lib/sys/a.c", "/* strcpy(a) */\nint f(void)\n{\n    my_strcpy(x->sprintf(1));\n    puts_;\n}\n")
        self.assert_clean(check_style.main)
        self.write("lib/sys/a.c", "/* a */\nint f(char *a)\n{\n    strcpy (a, a);\n}\n")
        self.assert_fault(check_style.main, "lib/sys/a.c", 4, "strcpy is banned")

    def test_abort_is_banned_in_the_library_only(self):
        self.write("src/a.c", "/* a */\nint f(void)\n{\n    exit(1);\n}\n")
        self.assert_clean(check_style.main)
        self.write("lib/log/a.c", "/* a */\nint f(void)\n{\n    abort();\n}\n")
        self.assert_fault(check_style.main, "lib/log/a.c", 4, "abort is banned in lib/")

    def test_allocation_past_the_hook_is_found(self):
        self.write("lib/sys/a.c", "/* a */\nint f(void)\n{\n    malloc(1);\n}\n")
        self.write("lib/log/a.c", "/* a */\nint f(void)\n{\n    malloc(1);\n}\n")
        self.assert_fault(check_style.main, "lib/log/a.c", 4, "malloc is for lib/sys only")

    def test_note_without_an_issue_is_found(self):
        note = "TO" + "DO"
        self.write("lib/sys/a.c", f"/* {note}(#12): later */\n")
        self.assert_clean(check_style.main)
        self.write("lib/sys/a.c", f"/* {note}: later */\n")
        self.assert_fault(check_style.main, "lib/sys/a.c", 1, "without an issue")

    def test_file_without_opening_comment_is_found(self):
        self.write("lib/sys/a.c", "int x;\n")
        self.assert_fault(check_style.main, "lib/sys/a.c", 1, "open with a comment")

    # Binding safety

    def check_header(self, declaration, words):
        self.write("include/crm.h", HEADER % declaration)
        if words is None:
            self.assert_clean(check_binding.main, "0.1.2")
        else:
            line = HEADER[: HEADER.index("%s")].count("\n") + 1 + declaration.rstrip("\n").count("\n")
            self.assert_fault(check_binding.main, "include/crm.h", line, words, "0.1.2")

    def test_sound_declarations_pass(self):
        self.check_header("/* A. */\nCRM_API const char *crm_a(const crm_id *id, size_t length, double *out);", None)

    def test_unsafe_declarations_are_found(self):
        for declaration, words in (
            ("/* A. */\nCRM_API int32_t crm_a(const char *format, ...);", "variable arguments"),
            ("/* A. */\nCRM_API int32_t crm_a(crm_id id);", "by value"),
            ("/* A. */\nCRM_API crm_id crm_a(void);", "by value"),
            ("/* A. */\nCRM_API int crm_a(void);", "no fixed width"),
            ("/* A. */\nCRM_API int32_t crm_a(long x);", "no fixed width"),
            ("/* A. */\nCRM_API int32_t crm_a(crm_db *db, crm_log_function f);", "callback"),
            ("/* A. */\nCRM_API int32_t crm_a(enum crm_x x);", "enum"),
            ("/* A. */\nint32_t crm_a(void);", "not marked CRM_API"),
            ("/* A. */\nCRM_API int32_t other_a(void);", "does not begin with crm_"),
            ("/* A. */\nstatic inline int32_t crm_a(void) { return 1; }", "function body"),
            ("\nCRM_API int32_t crm_a(void);", "no comment"),
            ("\nenum { CRM_A };", "not a number"),
            ("\nenum { CRM_A = CRM_OK + 1 };", "not a number"),
            ("\nstruct crm_s { int32_t a : 3; };", "bit-field"),
        ):
            with self.subTest(declaration=declaration):
                self.check_header(declaration, words)

    def test_version_that_differs_is_found(self):
        self.write("include/crm.h", HEADER % "")
        self.assert_clean(check_binding.main, "0.1.2")
        status, lines = self.run_check(check_binding.main, "0.2.0")
        self.assertEqual((status, len(lines)), (1, 3), lines)


if __name__ == "__main__":
    unittest.main()
