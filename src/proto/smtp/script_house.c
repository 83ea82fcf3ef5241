#include "proto/smtp/script_house.h"

#include <stdlib.h>

static void must(int code)
{
	if (code)
		abort();
}

static void add_user(struct script_house *h, const char *name, uint64_t account)
{
	must(account_create(h->model, account));
	/* "x", at the least cost that there is: the import tries it once */
	must(directory_user_import(h->directory, str_from_c(name), STR("$y$j/5$abc.$wvdw5FPlBKpLXE0z0HTOxQwK59Ki0nacNK4S.bobxS."), account, NULL));
}

void script_house_open(struct script_house *h)
{
	static const struct str away[] = { STR_INIT("friend@elsewhere.test") };
	static const struct str both[] = { STR_INIT("alice@example.org"), STR_INIT("friend@elsewhere.test") };
	static const struct str team[] = { STR_INIT("alice@example.org"), STR_INIT("bob@example.org") };
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };

	must(store_open(&c, &h->store, NULL));
	must(model_open(h->store, &(struct model_config){ 0 }, &h->model, NULL));
	must(directory_open(h->store, &(struct directory_config){ 0 }, &h->directory, NULL));
	must(queue_open(h->store, &(struct queue_config){ 0 }, &h->queue, NULL));
	must(services_create(h->model, h->directory, &h->services));
	must(directory_domain_add(h->directory, STR("example.org"), NULL));
	add_user(h, "alice@example.org", 1);
	/* shared accounts have no password */
	for (uint64_t i = 2; i <= 3; i++) {
		must(account_create(h->model, i));
		must(directory_user_add_shared(h->directory, i == 2 ? STR("bob@example.org") : STR("carol@example.org"), i, NULL));
	}
	must(directory_alias_add(h->directory, STR("away@example.org"), away, 1, NULL));
	must(directory_alias_add(h->directory, STR("both@example.org"), both, 2, NULL));
	must(directory_alias_add(h->directory, STR("team@example.org"), team, 2, NULL));
}

void script_house_close(struct script_house *h)
{
	services_destroy(&h->services);
	queue_close(&h->queue);
	directory_close(&h->directory);
	model_close(&h->model);
	store_close(&h->store);
}

void script_house_visit(struct conn *c, const struct smtp_service *service, const char *ip)
{
	script_open(c, &smtp_proto, (void *)(uintptr_t)service, ip, false);
	c->impatient = true;
}
