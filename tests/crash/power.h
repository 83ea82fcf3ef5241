/* What the power campaign and its plays share. A play is a workload and the judge of what a cut left of it. Its state is split into accounts, each changed by
 * one thread only, so that after a cut an account must look as it did after the last acknowledged operation, or as after the one that was under way. */
#ifndef TESTS_CRASH_POWER_H
#define TESTS_CRASH_POWER_H

#include <stdbool.h>
#include <stdint.h>

#define POWER_ACCOUNTS 8

struct power_account {
	uint64_t before, after;          /* what its digest may be; 0: the account is not there */
};
/* What must be there after a cut. */
struct power_expected {
	bool made;                       /* the store was acknowledged; before that it is made anew when it is not whole */
	struct power_account accounts[POWER_ACCOUNTS];
};

struct power_play {
	const char *name;
	bool bears_faults;               /* the workload lives with syncs that fail */
	/* The workload, in a process of its own, whose writes are recorded. `dir` is empty, or holds what a cut left of an earlier run. It ends by
	 * dying: nothing is closed. */
	void (*run)(const char *dir, uint64_t seed);
	/* In a process of its own: opens what a cut left, and goes on with it. False, and a line by power_fault, when something is not as promised. */
	bool (*judge)(const char *dir, const struct power_expected *expected);
};
extern const struct power_play power_store_play, power_mail_play;

/* For a workload: what is tried, and how the account will look then (0: as it is acknowledged next, which is right unless the workload is killed and what it
 * tried is undone by a disk that fails); what was acknowledged and how the account looks now. */
void power_made(void);
void power_try(unsigned account, uint64_t digest);
void power_ack(unsigned account, uint64_t digest);
/* For a judge: what is wrong. Returns false. */
bool power_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A store_report_fn. */
void power_report(void *arg, const char *line);
bool power_account_fits(const struct power_expected *x, unsigned account, uint64_t digest);
uint64_t power_mix(uint64_t x);
_Noreturn void power_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
