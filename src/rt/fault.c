#include "rt/fault.h"

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "rt/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct fault {
	char name[FAULT_NAME_MAX];
	bool random;         /* every nth on average; else once, at the nth time */
	uint32_t n;
	uint32_t seen;
	uint64_t dice;       /* state of xorshift64: the same plan gives the same run */
};

/* Process-wide: a fault must be reachable from any depth without a parameter through every signature. */
static _Atomic bool active;
static pthread_mutex_t plan_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault plan_now[FAULT_PLAN_MAX];
static size_t plan_count;

static int parse_fault(struct str text, struct fault *out)
{
	struct str name, when;
	if (!str_cut(text, '=', &name, &when) || name.n == 0)
		return ERR_INVALID;
	*out = (struct fault){ .dice = 0x9e3779b97f4a7c15ull };
	if (!str_copy_c(out->name, sizeof(out->name), name))
		return ERR_INVALID;
	struct str chance = str_starts(when, STR("1/")) ? str_from(when, 2) : when;
	out->random = chance.n < when.n;
	return num_parse_u32(chance, &out->n) && out->n > 0 ? 0 : ERR_INVALID;
}

int fault_setup(const char *plan)
{
	struct fault parsed[FAULT_PLAN_MAX];
	size_t count = 0;
	struct str rest = str_from_c(plan);
	while (rest.n > 0) {
		struct str one;
		str_cut(rest, ',', &one, &rest);
		if (count == FAULT_PLAN_MAX || parse_fault(str_trim(one), &parsed[count]) < 0)
			return ERR_INVALID;
		count++;
	}
	pthread_mutex_lock(&plan_lock);
	if (count > 0)
		memcpy(plan_now, parsed, count * sizeof(parsed[0]));
	plan_count = count;
	atomic_store_explicit(&active, count > 0, memory_order_relaxed);
	pthread_mutex_unlock(&plan_lock);
	return 0;
}

static bool fault_strikes(struct fault *f)
{
	if (!f->random)
		return ++f->seen == f->n;
	f->dice ^= f->dice << 13;
	f->dice ^= f->dice >> 7;
	f->dice ^= f->dice << 17;
	return f->dice % f->n == 0;
}

bool fault_hit(const char *name)
{
	if (!atomic_load_explicit(&active, memory_order_relaxed))
		return false;
	bool hit = false;
	pthread_mutex_lock(&plan_lock);
	for (size_t i = 0; i < plan_count; i++)
		if (strcmp(plan_now[i].name, name) == 0)
			hit = fault_strikes(&plan_now[i]) || hit;
	pthread_mutex_unlock(&plan_lock);
	return hit;
}
