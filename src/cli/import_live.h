/* `troika import` from accounts elsewhere. Private to cli/. */
#ifndef CLI_IMPORT_LIVE_H
#define CLI_IMPORT_LIVE_H

/* As the run function of a command. */
int import_live(int argc, char **argv);

#endif
