#include "mailauth/dkim.h"

void dkim_ring_sign(const struct dkim_keyring *ring, struct arena *a, struct str domain, struct str message, int64_t now, struct buf *out)
{
	struct dkim_signer signers[DKIM_SIGNERS_MAX];
	int n = ring && ring->signers ? ring->signers(ring->ctx, a, domain, signers, DKIM_SIGNERS_MAX) : 0;

	if (n > 0)
		dkim_sign(message, signers, (size_t)n, now, out, NULL);
	dkim_ring_drop(signers, n);
}

void dkim_ring_drop(struct dkim_signer *signers, int n)
{
	for (int i = 0; i < n; i++) {
		struct dkim_key *key = (struct dkim_key *)(uintptr_t)signers[i].key;
		dkim_key_unref(&key);
		signers[i].key = NULL;
	}
}
