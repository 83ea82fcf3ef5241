/* The brake on guessing: counts failed proofs for each network (an IPv4 address, an IPv6 /64) in a sliding window
 * and, over the limit, lets nobody from there try. There is no lock-out of accounts: it would let anybody lock
 * anybody out. A wrong guess that is repeated is the same guess and counts once, so that a forgotten device with an
 * old password does not shut out the office it stands in. A success takes nothing back: it would let an attacker
 * with one account guess at the others for ever. Any thread. Times are clock_mono_ms. */
#ifndef DIRECTORY_BRAKE_H
#define DIRECTORY_BRAKE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct brake;

int brake_create(unsigned limit, uint64_t window_ms, struct brake **out);
void brake_destroy(struct brake **b);
/* ip: text; anything else (also empty) is never braked. */
bool brake_blocks(struct brake *b, struct str ip, uint64_t now_ms);
/* Was this guess (a keyed hash of name and password, not 0) wrong lately from there? */
bool brake_knows_guess(struct brake *b, struct str ip, uint64_t guess, uint64_t now_ms);
/* guess 0: not known which. */
void brake_fail(struct brake *b, struct str ip, uint64_t guess, uint64_t now_ms);

#endif
