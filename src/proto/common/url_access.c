#include "proto/common/url_access.h"

#include "base/clock.h"
#include "directory/identity.h"
#include "model/acl.h"
#include "proto/common/namespace.h"
#include "rt/crypto.h"

#define TOKEN_HMAC_SHA256 "01"

/* ---- tokens ---- */

int url_access_token(const uint8_t key[URL_KEY_SIZE], struct str rump, struct buf *out)
{
	uint8_t hmac[CRYPTO_SHA256_SIZE];
	int rc = crypto_hmac_sha256(str_make(key, URL_KEY_SIZE), rump, hmac);
	if (rc)
		return rc;
	buf_add_lit(out, TOKEN_HMAC_SHA256);
	for (size_t i = 0; i < sizeof(hmac); i++)
		buf_printf(out, "%02x", hmac[i]);
	return out->failed ? ERR_NO_MEMORY : 0;
}

/* Hexadecimal digits compare without case, and in constant time. */
static bool is_token(struct str given, struct str right)
{
	char lower[2 + 2 * CRYPTO_SHA256_SIZE];
	if (given.n != sizeof(lower))
		return false;
	for (size_t i = 0; i < sizeof(lower); i++)
		lower[i] = given.p[i] >= 'A' && given.p[i] <= 'F' ? (char)(given.p[i] | 0x20) : given.p[i];
	return str_eq_secret(str_make(lower, sizeof(lower)), right);
}

/* ---- who ---- */

int url_access_is_user(struct services *s, struct arena *a, struct str written, struct str canonical)
{
	struct str name;
	int rc = directory_identifier(services_directory(s), a, written, &name);
	if (rc == ERR_NOT_FOUND || rc == ERR_INVALID)
		return ERR_DENIED;
	return rc ? rc : str_eq(name, canonical) ? 0 : ERR_DENIED;
}

/* RFC 4467 3, and RFC 4468 3.3: a submission service acts with its own name, so what only a user may see it may not. */
static int check_asker(struct services *s, struct arena *a, const struct imap_url *u, const struct url_asker *who)
{
	switch (u->access) {
	case IMAP_URL_SUBMIT:
		if (who->submits_for_all)
			return 0;
		return who->submits ? url_access_is_user(s, a, u->access_user, who->user) : ERR_DENIED;
	case IMAP_URL_USER:
		return who->submits ? ERR_DENIED : url_access_is_user(s, a, u->access_user, who->user);
	case IMAP_URL_AUTHUSER:
	case IMAP_URL_ANONYMOUS:
		return 0;
	case IMAP_URL_NO_ACCESS:
		break;
	}
	return ERR_DENIED;
}

static int find_owner(struct services *s, struct arena *a, const struct imap_url *u, struct directory_user *out)
{
	struct str name;
	int rc = u->user.n ? directory_identifier(services_directory(s), a, u->user, &name) : ERR_INVALID;
	if (!rc)
		rc = directory_user_find(services_directory(s), a, name, out);
	if (!rc && out->disabled)
		rc = ERR_DENIED;
	return rc;
}

/* ---- where ---- */

/* "Other Users/bob@example.org/box": the account and what it is called there, for a user who may read it. */
static int find_abroad(struct services *s, struct arena *a, const struct directory_user *owner, struct str name, struct url_access *out)
{
	struct str space, other, rest, *identifiers;
	struct directory_user user;
	struct mailbox mailbox = { 0 };
	struct acl acl;
	size_t n;
	if (!str_cut(name, MAILBOX_SEPARATOR, &space, &rest) || !str_cut(rest, MAILBOX_SEPARATOR, &other, &rest)
		|| (!str_eq(space, STR(IMAP_OTHER_USERS)) && !str_eq(space, STR(IMAP_SHARED_FOLDERS))))
		return ERR_NOT_FOUND;
	int rc = directory_user_find(services_directory(s), a, other, &user);
	if (!rc && (user.shared != str_eq(space, STR(IMAP_SHARED_FOLDERS)) || user.account == owner->account))
		rc = ERR_NOT_FOUND;
	if (!rc)
		rc = account_open(services_model(s), user.account, &out->holder);
	if (!rc)
		rc = mailbox_find(out->holder, a, rest, &mailbox);
	if (!rc)
		rc = directory_identifiers(services_directory(s), a, owner->name, &identifiers, &n);
	if (!rc)
		rc = mailbox_acl(out->holder, a, mailbox.id, &acl);
	if (!rc && (mailbox.no_select || !(acl_rights(&acl, identifiers, n) & ACL_READ)))
		rc = ERR_DENIED;
	if (!rc)
		out->mailbox = mailbox.id;
	return rc;
}

/* RFC 4467 7, URLFETCH: with the access of the user in the URL, as it is now. */
static int find_mailbox(struct services *s, struct arena *a, const struct directory_user *owner, struct str name, struct url_access *out)
{
	struct mailbox mailbox = { 0 };
	int rc = find_abroad(s, a, owner, name, out);
	if (rc != ERR_NOT_FOUND || out->holder)
		return rc;
	rc = account_open(services_model(s), owner->account, &out->holder);
	if (!rc)
		rc = mailbox_find(out->holder, a, name, &mailbox);
	if (!rc && mailbox.no_select)
		rc = ERR_NOT_FOUND;
	if (!rc)
		out->mailbox = mailbox.id;
	return rc;
}

static int find_key(struct services *s, uint64_t owner, const struct url_access *x, uint8_t key[URL_KEY_SIZE])
{
	struct account *account;
	int rc = account_open(services_model(s), owner, &account);
	if (rc)
		return rc;
	rc = account_url_key(account, account_id(x->holder), x->mailbox, key);
	account_close(&account);
	return rc;
}

static bool is_refusal(int rc) { return err_class(rc) == ERR_CLASS_CLIENT || rc == ERR_CORRUPT; }

/* RFC 4467 6: also when there is no such mailbox, or no key, a token is calculated, by a key that nobody knows. */
static int check_token(const struct imap_url *u, int found, const uint8_t key[URL_KEY_SIZE])
{
	uint8_t plausible[URL_KEY_SIZE];
	struct buf right = BUF_INIT(0);
	crypto_random(plausible, sizeof(plausible));
	int rc = url_access_token(found ? plausible : key, u->rump, &right);
	if (!rc && (!is_token(u->token, buf_str(&right)) || found))
		rc = ERR_DENIED;
	buf_fini(&right);
	return rc;
}

int url_access_open(struct services *s, struct arena *a, const struct imap_url *u, const struct url_asker *who, struct url_access *out)
{
	struct directory_user owner;
	uint8_t key[URL_KEY_SIZE] = { 0 };
	*out = (struct url_access){ .holder = NULL };
	if (!u->absolute || !u->uid || !u->mailbox.n || !u->mechanism.p || !str_ieq(u->mechanism, STR("INTERNAL")) || clock_now() > u->expire)
		return ERR_DENIED;
	int found = find_owner(s, a, u, &owner);
	if (!found)
		found = find_mailbox(s, a, &owner, u->mailbox, out);
	if (!found)
		found = find_key(s, owner.account, out, key);
	if (found && !is_refusal(found))
		return found;
	int rc = check_token(u, found, key);
	crypto_wipe(key, sizeof(key));
	return rc ? rc : check_asker(s, a, u, who);
}

void url_access_close(struct url_access *x) { account_close(&x->holder); }
