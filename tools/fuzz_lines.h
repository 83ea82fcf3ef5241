/* Mutations for protocols of lines: whole commands are put in, doubled, moved and taken away, and numbers become others, beside what happens to single
 * octets. The first octet of an input is the target's own (how the session begins). A fuzzer that wants them adds tools/fuzz_lines.c to its files and
 * names its commands. */
#ifndef TOOLS_FUZZ_LINES_H
#define TOOLS_FUZZ_LINES_H

extern const char *const fuzz_lines_commands[];   /* with their line ends; ends with NULL */

#endif
