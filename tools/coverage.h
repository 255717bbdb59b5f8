/* coverage.h: put before each source of the --coverage build (mk/test.mk).
 *
 * A child that ends by _exit would take what it counted with it: the programs of
 * stress/ do most of their work in such children. */
#ifndef TOOLS_COVERAGE_H
#define TOOLS_COVERAGE_H

#include <unistd.h>

void __gcov_dump(void); /* gcc's: writes the counts of this process */

#define _exit(status) (__gcov_dump(), _exit(status))

#endif
