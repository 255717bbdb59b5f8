/* cold: marks a function of a file that is otherwise built for speed as called
 * seldom: it is made small, and kept apart from what runs often. */
#ifndef SYS_COLD_H
#define SYS_COLD_H

#define COLD __attribute__((cold))

#endif
