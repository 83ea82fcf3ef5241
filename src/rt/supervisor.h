/* Tells the supervisor (systemd: sd_notify(3)) how the process is: a datagram to $NOTIFY_SOCKET. Any thread; nothing happens without a supervisor. */
#ifndef RT_SUPERVISOR_H
#define RT_SUPERVISOR_H

#include <stdint.h>

/* Remembers where it listens and takes that out of the environment, so that no child tells it anything. Once, before there are other threads. */
void supervisor_setup(void);
/* "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=...", "WATCHDOG=1", "STATUS=..."; a lost datagram is no error. */
void supervisor_tell(const char *state);
/* How often it wants to hear WATCHDOG=1, milliseconds; 0: it does not. */
uint64_t supervisor_watchdog_ms(void);

#endif
