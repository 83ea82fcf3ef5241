/* Any bytes as a small mailbox: THREAD must say what RFC 5256 section 3 says, done here step by step as it is written, on lists. */
#include "codec/imap/thread.h"

#include <stdlib.h>
#include <string.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)
#define MESSAGES_MAX 24
#define NODES_MAX 400
#define REFS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct naive {
	const struct imap_thread_message *m;
	int n;
	int nodes;
	int parent[NODES_MAX], message[NODES_MAX];         /* message: -1 is a dummy */
	uint64_t id[NODES_MAX];
	int kids[NODES_MAX][NODES_MAX], count[NODES_MAX];
	int root;
};

static int make(struct naive *x, uint64_t id, int message)
{
	MUST(x->nodes < NODES_MAX);
	x->id[x->nodes] = id;
	x->message[x->nodes] = message;
	x->parent[x->nodes] = -1;
	x->count[x->nodes] = 0;
	return x->nodes++;
}

static int find(struct naive *x, uint64_t id)
{
	for (int i = 0; i < x->nodes; i++)
		if (x->id[i] == id)
			return i;
	return make(x, id, -1);
}

static void add(struct naive *x, int parent, int child)
{
	x->parent[child] = parent;
	x->kids[parent][x->count[parent]++] = child;
}

static void removed(struct naive *x, int child)
{
	int p = x->parent[child], at = 0;
	if (p < 0)
		return;
	while (x->kids[p][at] != child)
		at++;
	memmove(&x->kids[p][at], &x->kids[p][at + 1], (size_t)(x->count[p] - at - 1) * sizeof(int));
	x->count[p]--;
	x->parent[child] = -1;
}

static bool below(struct naive *x, int what, int top)
{
	for (; what >= 0; what = x->parent[what])
		if (what == top)
			return true;
	return false;
}

static void step_1(struct naive *x)
{
	int own[MESSAGES_MAX];
	for (int i = 0; i < x->n; i++) {
		bool taken = x->m[i].id == 0;
		for (int k = 0; k < i; k++)
			taken |= x->m[k].id == x->m[i].id;
		own[i] = make(x, taken ? 1000 + (uint64_t)i : x->m[i].id, i);
	}
	for (int i = 0; i < x->n; i++) {
		int last = -1;
		for (uint32_t k = 0; k < x->m[i].n_refs; k++) {
			int ref = find(x, x->m[i].refs[k]);
			if (last >= 0 && x->parent[ref] < 0 && !below(x, last, ref))
				add(x, last, ref);
			last = ref;
		}
		removed(x, own[i]);
		if (last >= 0 && !below(x, last, own[i]))
			add(x, last, own[i]);
	}
}

static void step_2(struct naive *x)
{
	int nodes = x->nodes;
	x->root = make(x, 0, -2);
	for (int i = 0; i < nodes; i++)
		if (x->parent[i] < 0)
			add(x, x->root, i);
}

/* One change at a time, until there is none. */
static bool prune(struct naive *x, int node)
{
	for (int i = 0; i < x->count[node]; i++) {
		int kid = x->kids[node][i];
		if (x->message[kid] == -1 && (x->count[kid] == 0 || node != x->root || x->count[kid] == 1)) {
			removed(x, kid);
			while (x->count[kid]) {
				int up = x->kids[kid][0];
				removed(x, up);
				add(x, node, up);
			}
			return true;
		}
		if (prune(x, kid))
			return true;
	}
	return false;
}

static int message_of(const struct naive *x, int node) { return x->message[node] >= 0 ? x->message[node] : x->message[x->kids[node][0]]; }

static void sort(struct naive *x, int node)
{
	for (int i = 0; i < x->count[node]; i++)
		sort(x, x->kids[node][i]);
	for (int i = 1; i < x->count[node]; i++)
		for (int k = i; k > 0; k--) {
			int *a = &x->kids[node][k - 1], *b = &x->kids[node][k], ma = message_of(x, *a), mb = message_of(x, *b), swap = *a;
			/* cppcheck-suppress arrayIndexThenCheck ; the comparison of ma and mb is no check of a bound */
			if (x->m[ma].sent < x->m[mb].sent || (x->m[ma].sent == x->m[mb].sent && ma < mb))
				break;
			*a = *b;
			*b = swap;
		}
}

static void step_5(struct naive *x)
{
	int table[256];
	memset(table, -1, sizeof(table));
	int roots[NODES_MAX], n = x->count[x->root];
	memcpy(roots, x->kids[x->root], (size_t)n * sizeof(int));
	for (int i = 0; i < n; i++) {
		uint64_t s = x->m[message_of(x, roots[i])].subject;
		int *e = &table[s];
		if (s && (*e < 0 || (x->message[*e] >= 0 && (x->message[roots[i]] < 0 ||
		          (x->m[x->message[*e]].reply && !x->m[x->message[roots[i]]].reply)))))
			*e = roots[i];
	}
	for (int i = 0; i < n; i++) {
		int r = roots[i];
		if (x->parent[r] != x->root)
			continue;
		uint64_t s = x->m[message_of(x, r)].subject;
		if (!s || table[s] == r)
			continue;
		int e = table[s];
		removed(x, r);
		if (x->message[e] < 0 && x->message[r] < 0) {
			while (x->count[r]) {
				int kid = x->kids[r][0];
				removed(x, kid);
				add(x, e, kid);
			}
		} else if (x->message[e] < 0 || (x->m[x->message[r]].reply && !x->m[x->message[e]].reply)) {
			add(x, e, r);
		} else {
			int dummy = make(x, 0, -1);
			removed(x, e);
			add(x, dummy, r);
			add(x, dummy, e);
			add(x, x->root, dummy);
			table[s] = dummy;
		}
	}
}

static int64_t latest(const struct naive *x, int node)
{
	int64_t max = x->message[node] >= 0 ? x->m[x->message[node]].arrived : INT64_MIN;
	for (int i = 0; i < x->count[node]; i++)
		max = latest(x, x->kids[node][i]) > max ? latest(x, x->kids[node][i]) : max;
	return max;
}

static void sort_by_latest(struct naive *x)
{
	for (int i = 1; i < x->count[x->root]; i++)
		for (int k = i; k > 0 && latest(x, x->kids[x->root][k - 1]) > latest(x, x->kids[x->root][k]); k--) {
			int swap = x->kids[x->root][k];
			x->kids[x->root][k] = x->kids[x->root][k - 1];
			x->kids[x->root][k - 1] = swap;
		}
}

static void write_list(const struct naive *x, int node, struct buf *out, bool space)
{
	if (x->message[node] >= 0) {
		buf_printf(out, "%s%u", space ? " " : "", x->m[x->message[node]].number);
		space = true;
	}
	if (x->count[node] == 1) {
		write_list(x, x->kids[node][0], out, space);
		return;
	}
	for (int i = 0; i < x->count[node]; i++) {
		buf_add_c(out, i == 0 && space ? " (" : "(");
		write_list(x, x->kids[node][i], out, false);
		buf_add_char(out, ')');
	}
}

static void naive(enum imap_thread_algorithm algorithm, const struct imap_thread_message *m, int n, struct buf *out)
{
	struct naive *x = calloc(1, sizeof(*x));
	MUST(x);
	x->m = m;
	x->n = n;
	if (algorithm == IMAP_THREAD_ORDEREDSUBJECT) {
		x->root = make(x, 0, -2);
		for (int i = 0; i < n; i++) {
			int first = i;
			for (int k = 0; k < n; k++)
				/* cppcheck-suppress arrayIndexThenCheck ; nor is that of k and first */
				if (m[k].subject == m[i].subject && (m[k].sent < m[first].sent || (m[k].sent == m[first].sent && k < first)))
					first = k;
			int node = find(x, 1 + (uint64_t)i);
			x->message[node] = i;
			add(x, first == i ? x->root : find(x, 1 + (uint64_t)first), node);
		}
	} else {
		step_1(x);
		step_2(x);
		while (prune(x, x->root))
			;
	}
	sort(x, x->root);
	if (algorithm == IMAP_THREAD_REFERENCES) {
		step_5(x);
		sort(x, x->root);
	} else if (algorithm == IMAP_THREAD_REFS) {
		sort_by_latest(x);
	}
	for (int i = 0; i < x->count[x->root]; i++) {
		buf_add_char(out, '(');
		write_list(x, x->kids[x->root][i], out, false);
		buf_add_char(out, ')');
	}
	free(x);
}

static int go_on(void *arg)
{
	(void)arg;
	return 0;
}

static void compare(enum imap_thread_algorithm algorithm, const struct imap_thread_message *m, uint32_t n)
{
	struct buf ours = BUF_INIT(0), theirs = BUF_INIT(0);
	struct imap_threads t;
	struct imap_thread_sink sink = { &ours, go_on, NULL };
	MUST(imap_threads_make(algorithm, m, n, &t) == 0);
	for (uint32_t i = 0; i < t.n_roots; i++)
		MUST(imap_thread_write(&t, i, &sink) == 0);
	naive(algorithm, m, (int)n, &theirs);
	MUST(str_eq(buf_str(&ours), buf_str(&theirs)));
	imap_threads_fini(&t);
	buf_fini(&ours);
	buf_fini(&theirs);
}

/* Four bytes a message, and a byte for each reference. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_thread_message m[MESSAGES_MAX];
	uint64_t refs[MESSAGES_MAX][REFS_MAX];
	uint32_t n = 0;
	while (n < MESSAGES_MAX && size >= 4) {
		m[n] = (struct imap_thread_message){
			.number = n + 1, .n_refs = data[0] & 3, .refs = refs[n], .reply = data[0] & 4, .id = data[1] & 15, .subject = data[2] & 3,
			.sent = data[2] >> 4, .arrived = data[3] & 15,
		};
		data += 4, size -= 4;
		m[n].n_refs = m[n].n_refs < size ? m[n].n_refs : (uint32_t)size;
		for (uint32_t k = 0; k < m[n].n_refs; k++)
			refs[n][k] = 1 + data[k] % 18;
		data += m[n].n_refs, size -= m[n].n_refs;
		n++;
	}
	compare(IMAP_THREAD_ORDEREDSUBJECT, m, n);
	compare(IMAP_THREAD_REFERENCES, m, n);
	compare(IMAP_THREAD_REFS, m, n);
	return 0;
}
