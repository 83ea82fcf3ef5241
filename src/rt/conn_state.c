#include "rt/conn_state.h"

#define PHASE_MASK 0xfu

static uint32_t generation_of(uint64_t word) { return (uint32_t)(word >> 32); }
static uint64_t in_phase(uint64_t word, enum conn_phase phase) { return (word & ~(uint64_t)PHASE_MASK) | phase; }

void conn_state_open(struct conn_state *s, enum conn_phase phase)
{
	uint64_t generation = (uint64_t)generation_of(atomic_load(&s->word)) + 1;
	atomic_store(&s->word, generation << 32 | phase);
}

uint32_t conn_state_generation(const struct conn_state *s) { return generation_of(atomic_load(&s->word)); }

enum post conn_state_post(struct conn_state *s, uint32_t generation, uint32_t news, enum conn_phase phase)
{
	uint64_t word = atomic_load(&s->word);
	for (;;) {
		enum conn_phase now = word & PHASE_MASK;
		if (generation_of(word) != generation || now == CONN_CLOSED)
			return POST_GONE;
		uint64_t wanted = word | news;
		if (now == CONN_PARKED)
			wanted = in_phase(wanted, phase);
		if (atomic_compare_exchange_weak(&s->word, &word, wanted))
			return now == CONN_PARKED ? POST_OWNED : POST_NOTED;
	}
}

bool conn_state_has(const struct conn_state *s, uint32_t news) { return atomic_load(&s->word) & news; }

bool conn_state_is_running(const struct conn_state *s) { return (atomic_load(&s->word) & PHASE_MASK) == CONN_RUNNING; }

uint32_t conn_state_take(struct conn_state *s) { return (uint32_t)atomic_fetch_and(&s->word, ~(uint64_t)NEWS_ALL) & NEWS_ALL; }

static bool change_phase(struct conn_state *s, enum conn_phase phase, bool despite_news)
{
	uint64_t word = atomic_load(&s->word);
	do {
		if ((word & NEWS_ALL) != 0 && !despite_news)
			return false;
	} while (!atomic_compare_exchange_weak(&s->word, &word, in_phase(word, phase)));
	return true;
}

bool conn_state_park(struct conn_state *s) { return change_phase(s, CONN_PARKED, false); }
void conn_state_queue(struct conn_state *s) { change_phase(s, CONN_QUEUED, true); }
void conn_state_run(struct conn_state *s) { change_phase(s, CONN_RUNNING, true); }
void conn_state_close(struct conn_state *s) { change_phase(s, CONN_CLOSED, true); }
