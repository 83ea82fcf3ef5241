/* The brake on guessing: counts failed proofs for each key in a sliding window. The key is a network (an IPv4 address, an IPv6 /64): over the limit
 * nobody from there may try. Or it is an account: over the limit somebody may try now and then only, for a lock-out of accounts would let anybody
 * lock anybody out. A wrong guess that is repeated is the same guess and counts once, so that a forgotten device with an
 * old password does not shut out the office it stands in. A success takes nothing back: it would let an attacker
 * with one account guess at the others for ever.
 *
 * What counts is what was answered. An attempt that is under way is neither a failure nor refused for others that are under way; but when it has been
 * verified, one of the `tells` says in one step whether its outcome may be told, right or wrong, and counts it. So however many
 * are tried at once, as many are answered as would have been one after the other. Any thread. Times are clock_mono_ms. */
#ifndef DIRECTORY_BRAKE_H
#define DIRECTORY_BRAKE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct brake;

int brake_create(unsigned limit, uint64_t window_ms, struct brake **out);
void brake_destroy(struct brake **b);
/* ip: text; anything else (also empty) is never braked. Is it over the limit? */
bool brake_blocks(struct brake *b, struct str ip, uint64_t now_ms);
/* Was this guess (a keyed hash of name and password, not 0) wrong lately from there? */
bool brake_knows_guess(struct brake *b, struct str ip, uint64_t guess, uint64_t now_ms);
/* May the outcome of an attempt from there be told? False: it is over the limit by now. A wrong one that is told counts, unless
 * it is known. guess 0: not known which. */
bool brake_tells(struct brake *b, struct str ip, bool wrong, uint64_t guess, uint64_t now_ms);

/* Any other key, a hash that is not 0: of an account. False: it is over the limit, and somebody was let through less than every_ms ago. */
bool brake_admits(struct brake *b, uint64_t key, uint64_t every_ms, uint64_t now_ms);
/* The same of an outcome; over the limit it is the one that is let through. A wrong one that is told counts. */
bool brake_tells_of(struct brake *b, uint64_t key, bool wrong, uint64_t every_ms, uint64_t now_ms);
/* One that was told without asking. */
void brake_count(struct brake *b, uint64_t key, uint64_t now_ms);

/* The network of an address, as a number; 0: text that is no address. */
uint64_t brake_network(struct str ip);

#endif
