#include "app/config_options.h"

#include "app/config.h"
#include "audit/audit.h"
#include "mailauth/dmarc.h"
#include "store/store.h"

#include <confuse.h>

#define AT(member) offsetof(struct app_config, member)
#define MINUTE 60000u
#define DAY (24 * 60 * MINUTE)

static const char *const log_formats[] = { [LOG_TEXT] = "text", [LOG_JSON] = "json", NULL };
static const char *const log_levels[] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug", NULL };

static const char *const dmarc_policies[] = {
	[DMARC_POLICY_NONE] = "none", [DMARC_POLICY_QUARANTINE] = "quarantine", [DMARC_POLICY_REJECT] = "reject", NULL };
static const char *const submission_froms[] = {
	[SUBMISSION_FROM_ANY] = "any", [SUBMISSION_FROM_OWN] = "own", [SUBMISSION_FROM_ADD_SENDER] = "sender", NULL };

static const char *const acme_challenges[] = {
	[ACME_HTTP_01] = "http-01", [ACME_TLS_ALPN_01] = "tls-alpn-01", [ACME_DNS_01] = "dns-01", NULL };
static const char *const sts_modes[] = { [STS_NONE] = "off", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce", NULL };

static const char *const ip_orders[] = { [OUTBOUND_IPV6_FIRST] = "ipv6-first", [OUTBOUND_IPV4_FIRST] = "ipv4-first", [OUTBOUND_IPV4_ONLY] = "ipv4",
	[OUTBOUND_IPV6_ONLY] = "ipv6", NULL };

const struct config_option config_options[] = {
	{ "", "hostname", OPTION_STR, AT(mail.hostname), "", 0, 0, NULL, "name in greetings and Received fields; empty: the machine's" },
	{ "", "user", OPTION_TEXT, AT(user), "", 0, 0, NULL,
	  "started as root: become this user once the ports are bound; empty: the owner of the data directory" },
	{ "log", "format", OPTION_WORD, AT(log_format), "text", 0, 0, log_formats, "text or json" },
	{ "log", "level", OPTION_WORD, AT(log_level), "info", 0, 0, log_levels, "error, warn, notice, info or debug" },
	{ "log", "slow_ms", OPTION_NUMBER, AT(slow_ms), "1000", 0, 60 * MINUTE, NULL,
	  "commands that take so many milliseconds, waiting for the client not counted, are logged as slow; 0: none" },
	{ "tls", "min_version", OPTION_TEXT, AT(tls.min_version), "1.2", 0, 0, NULL, "1.2 or 1.3" },
	{ "tls", "ciphers", OPTION_TEXT, AT(tls.ciphers), "", 0, 0, NULL, "TLS 1.2 cipher list in OpenSSL's form; empty: a modern set" },
	{ "tls", "client_ca", OPTION_TEXT, AT(tls.client_ca), "", 0, 0, NULL,
	  "PEM file of authorities whose certificates log users in (SASL EXTERNAL): the user is the mail address in the subject's alternative names; empty: "
	  "clients are not asked for one" },
	{ "auth", "allow_plain_without_tls", OPTION_BOOL, AT(mail.allow_plain_without_tls), "false", 0, 0, NULL,
	  "take passwords on connections without TLS (true or false)" },
	{ "auth", "oauth_keys", OPTION_STR, AT(mail.oauth_keys), "", 0, 0, NULL,
	  "file or https: URL of an OAuth authority's key set (JWKS): its signed tokens log users in (OAUTHBEARER, XOAUTH2); empty: none" },
	{ "auth", "oauth_introspection", OPTION_STR, AT(mail.oauth_introspection), "", 0, 0, NULL,
	  "https: URL where the authority tells what a token is worth (RFC 7662), when it has no key set; empty: none" },
	{ "auth", "oauth_client_id", OPTION_STR, AT(mail.oauth_client_id), "", 0, 0, NULL, "who we are at that URL" },
	{ "auth", "oauth_client_secret", OPTION_STR, AT(mail.oauth_client_secret), "", 0, 0, NULL, "and how we prove it" },
	{ "auth", "oauth_issuer", OPTION_STR, AT(mail.oauth_issuer), "", 0, 0, NULL, "the issuer that a token must name; empty: any" },
	{ "auth", "oauth_audience", OPTION_STR, AT(mail.oauth_audience), "", 0, 0, NULL, "the audience that a token must name; empty: any" },
	{ "auth", "oauth_user_claim", OPTION_STR, AT(mail.oauth_user_claim), "email", 0, 0, NULL, "the member of a token that names the user" },
	{ "auth", "oauth_allow_http", OPTION_BOOL, AT(mail.oauth_allow_http), "false", 0, 0, NULL, "http: will do for an authority on this machine" },
	{ "auth", "fail_limit", OPTION_NUMBER, AT(directory.fail_limit), "20", 1, 1000000, NULL,
	  "failed logins of one address in the window before it is refused for a while" },
	{ "auth", "account_limit", OPTION_NUMBER, AT(directory.account_limit), "50", 1, 1000000, NULL,
	  "failed logins of one user, from anywhere, before networks that it has not come from in 90 days may try once in 10 seconds only" },
	{ "auth", "fail_window", OPTION_DURATION, AT(directory.fail_window_ms), "10m", 1000, DAY, NULL, "that window (10m)" },
	{ "auth", "verify_cache", OPTION_DURATION, AT(directory.verify_cache_ms), "5m", 1, DAY, NULL,
	  "how long a verified password need not be hashed again (5m)" },
	{ "limits", "message_size", OPTION_SIZE, AT(mail.message_size_max), "50M", 65536, STORE_BLOB_MAX - 65536, NULL, "largest message (64K to 63M)" },
	{ "limits", "recipients", OPTION_NUMBER, AT(mail.smtp_recipients_max), "1000", 100, 10000, NULL, "recipients of one message (100 to 10000)" },
	{ "limits", "quota_grace", OPTION_NUMBER, AT(quota_grace_percent), "10", 0, 1000, NULL,
	  "percent of a user's quota that mail from others may exceed it by before it is refused" },
	{ "limits", "connections", OPTION_NUMBER, AT(server.conns_max), "60000", 1, 10000000, NULL, "connections at once" },
	{ "limits", "connections_per_ip", OPTION_NUMBER, AT(server.conns_per_ip), "1000", 1, 10000000, NULL,
	  "of one IPv4 address or IPv6 /64; loopback is exempt" },
	{ "limits", "connections_per_user", OPTION_NUMBER, AT(server.conns_per_user), "100", 1, 10000000, NULL, "of one user after login" },
	{ "limits", "connection_memory", OPTION_SIZE, AT(server.memory_max), "512M", 1 << 20, (uint64_t)1 << 40, NULL,
	  "unread input, unsent output and TLS handshakes under way of all connections together; who wants more then is cut off" },
	{ "limits", "threads", OPTION_NUMBER, AT(server.workers_max), "256", 4, 10000, NULL, "worker threads at most" },
	{ "undelete", "keep_days", OPTION_NUMBER, AT(undelete.keep_days), "30", 0, 3650, NULL,
	  "how many days expunged mail and deleted mailboxes can be brought back: doc/admin/undelete.md; 0: not at all, and what was kept goes" },
	{ "undelete", "size", OPTION_SIZE, AT(undelete.size), "10G", 65536, (uint64_t)1 << 50, NULL, "of one user's deleted mail at most; then the oldest goes earlier" },
	{ "undelete", "quota_percent", OPTION_NUMBER, AT(undelete.quota_percent), "100", 0, 10000, NULL,
	  "and no more than so much of the user's quota, where there is one; 0: whatever the quota is" },
	{ "undelete", "show", OPTION_BOOL, AT(mail.imap_show_deleted), "false", 0, 0, NULL,
	  "the mailbox of deleted mail stands in every list of mailboxes, not only where it is named or subscribed" },
	{ "timeouts", "login", OPTION_DURATION, AT(mail.login_timeout_ms), "2m", 1000, DAY, NULL, "silence before authentication" },
	{ "timeouts", "smtp", OPTION_DURATION, AT(mail.smtp_timeout_ms), "5m", 5 * MINUTE, DAY, NULL, "silence in SMTP (RFC 5321: at least 5m)" },
	{ "timeouts", "pop3", OPTION_DURATION, AT(mail.pop3_timeout_ms), "10m", 10 * MINUTE, DAY, NULL, "silence in POP3 (RFC 1939: at least 10m)" },
	{ "timeouts", "imap", OPTION_DURATION, AT(mail.imap_timeout_ms), "30m", 30 * MINUTE, DAY, NULL, "silence in IMAP (RFC 3501: at least 30m)" },
	{ "timeouts", "write", OPTION_DURATION, AT(server.write_timeout_ms), "2m", 1000, DAY, NULL, "a peer that takes nothing while we answer" },
	{ "timeouts", "drain", OPTION_DURATION, AT(server.drain_ms), "10s", 0, DAY, NULL, "how long SIGTERM waits for commands in flight" },
	{ "imap", "progress_ms", OPTION_NUMBER, AT(mail.imap_progress_ms), "10000", 0, 60 * MINUTE, NULL, "after how many milliseconds again a long SEARCH, SORT or THREAD tells how far it is (RFC 9585); 0: never" },
	{ "imap", "unauthenticate", OPTION_BOOL, AT(mail.imap_unauthenticate), "true", 0, 0, NULL, "take UNAUTHENTICATE: a proxy that looks only at the login must turn it off (RFC 8437 8)" },
	{ "imap", "append_8bit", OPTION_BOOL, AT(mail.imap_append_8bit), "true", 0, 0, NULL,
	  "take 8-bit header fields in APPEND from clients that enabled no UTF-8; RFC 9755 refuses them, and with them old mail that is moved here" },
	{ "imap", "submit_users", OPTION_STR, AT(mail.imap_submit_users), "", 0, 0, NULL,
	  "users, parted by spaces, that may fetch URLs with submit+ (RFC 4467): those of submission services elsewhere" },
	{ "imap", "acl_anyone", OPTION_BOOL, AT(mail.imap_acl_anyone), "true", 0, 0, NULL,
	  "users may give rights in their mailboxes to anyone, and so put them into everybody's list; troika acl may in any case" },
	{ "imap", "admin_contact", OPTION_STR, AT(mail.imap_admin_contact), "", 0, 0, NULL,
	  "how clients find the administrator, a URI (mailto:help@example.org); told as METADATA's /shared/admin" },
	{ "imap", "message_limit", OPTION_NUMBER, AT(mail.imap_message_limit), "1000000", 0, UINT32_MAX, NULL,
	  "messages that one command may process (RFC 9738: 1000 or more); 0: any number" },
	{ "imap", "save_limit", OPTION_NUMBER, AT(mail.imap_save_limit), "0", 0, UINT32_MAX, NULL,
	  "messages that one COPY or APPEND may add (1000 or more), where message_limit is 0; 0: any number" },
	{ "imap", "admins", OPTION_STR, AT(mail.imap_admins), "", 0, 0, NULL, "users, parted by spaces, that may set the quotas of all (SETQUOTA) and the server's shared annotations (SETMETADATA)" },
	{ "smtp", "errors", OPTION_NUMBER, AT(mail.smtp_errors_max), "20", 1, 100000, NULL, "bad commands and refused recipients before 421" },
	{ "smtp", "hops", OPTION_NUMBER, AT(mail.smtp_hops_max), "100", 100, 1000, NULL, "Received fields before a message goes in circles" },
	{ "smtp", "vrfy", OPTION_BOOL, AT(mail.smtp_vrfy), "false", 0, 0, NULL, "answer VRFY with the truth to anybody" },
	{ "smtp", "subaddress_separator", OPTION_CHAR, AT(directory.subaddress_separator), "+", 0, 0, NULL, "one character: user+tag@domain" },
	{ "smtp", "relay_from", OPTION_NETWORKS, AT(mail.smtp_relay_from), "", 0, 0, NULL,
	  "networks that may send to other domains through port 25, like 192.0.2.0/24 2001:db8::/32" },
	{ "smtp", "relay_to", OPTION_STR, AT(mail.smtp_relay_to), "", 0, 0, NULL,
	  "domains, parted by spaces, that mail is taken for from anybody, with those below them, to be sent on: we are their backup" },
	{ "smtp", "priority_from", OPTION_NETWORKS, AT(mail.smtp_priority_from), "", 0, 0, NULL,
	  "networks that may raise a message's priority (RFC 6710) on port 25; users may on submission" },
	{ "smtp", "no_soliciting", OPTION_STR, AT(mail.smtp_no_soliciting), "", 0, 0, NULL,
	  "classes of solicitation that are refused (RFC 3865), parted by commas; empty: the extension is not offered" },
	{ "smtp", "deliver_by_min", OPTION_DURATION, AT(mail.smtp_deliver_by_min_ms), "1m", 1000, DAY, NULL,
	  "shortest time that BY with mode R may ask for (RFC 2852)" },
	{ "smtp", "unchecked_from", OPTION_NETWORKS, AT(mail.smtp_unchecked_from), "127.0.0.0/8 ::1", 0, 0, NULL,
	  "networks whose mail is not asked for SPF, DKIM, ARC and DMARC" },
	{ "smtp", "dmarc_enforce", OPTION_WORD, AT(mail.smtp_dmarc_enforce), "reject", 0, 0, dmarc_policies,
	  "the strictest policy of authors' domains that is obeyed: none, quarantine (to Junk) or reject" },
	{ "smtp", "xclient_from", OPTION_NETWORKS, AT(mail.smtp_xclient_from), "", 0, 0, NULL,
	  "networks of proxies that may say with XCLIENT who the client is" },
	{ "smtp", "xforward_from", OPTION_NETWORKS, AT(mail.smtp_xforward_from), "", 0, 0, NULL, "networks of filters that may tell the client by XFORWARD" },
	{ "smtp", "etrn_from", OPTION_NETWORKS, AT(mail.smtp_etrn_from), "", 0, 0, NULL, "networks that may say ETRN" },
	{ "smtp", "etrn_domains", OPTION_STR, AT(mail.smtp_etrn_domains), "", 0, 0, NULL,
	  "domains, parted by spaces, that ETRN may be said of, with those below them; empty: any" },
	{ "smtp", "expn_from", OPTION_NETWORKS, AT(mail.smtp_expn_from), "", 0, 0, NULL, "networks that may say EXPN" },
	{ "smtp", "admins", OPTION_STR, AT(mail.smtp_admins), "", 0, 0, NULL, "users, parted by spaces, that may say EXPN" },
	{ "smtp", "srs", OPTION_BOOL, AT(mail.smtp_srs), "true", 0, 0, NULL,
	  "rewrite the sender of what aliases send to other domains (Sender Rewriting Scheme), so that SPF holds there and bounces find back" },
	{ "smtp", "spf_enforce", OPTION_BOOL, AT(mail.smtp_spf_enforce), "false", 0, 0, NULL, "refuse what SPF fails, whatever DMARC says" },
	{ "smtp", "arc_trusted", OPTION_STR, AT(mail.smtp_arc_trusted), "", 0, 0, NULL,
	  "domains, parted by spaces, whose ARC seal on a message that passed DMARC with them outweighs that it fails here" },
	{ "guard", "exempt", OPTION_NETWORKS, AT(guard.exempt), "127.0.0.0/8 ::1", 0, 0, NULL, "networks that none of this is asked of, but for what users may send" },
	{ "guard", "connections", OPTION_NUMBER, AT(guard.connections), "500", 0, 1000000, NULL,
	  "at once from one network (IPv4 /24, IPv6 /64); 0: no limit, here and below" },
	{ "guard", "connections_per_minute", OPTION_NUMBER, AT(guard.connections_per_minute), "1000", 0, 1000000, NULL, "from one network" },
	{ "guard", "messages_per_hour", OPTION_NUMBER, AT(guard.messages_per_hour), "0", 0, 100000000, NULL, "from one network" },
	{ "guard", "recipients_per_hour", OPTION_NUMBER, AT(guard.recipients_per_hour), "0", 0, 100000000, NULL, "from one network" },
	{ "guard", "domain_messages_per_hour", OPTION_NUMBER, AT(guard.domain_messages_per_hour), "0", 0, 100000000, NULL,
	  "from one sender domain, which anybody may write in an envelope" },
	{ "guard", "user_messages_per_hour", OPTION_NUMBER, AT(guard.user_messages_per_hour), "1000", 0, 100000000, NULL, "by one user; kept over a restart" },
	{ "guard", "user_messages_per_day", OPTION_NUMBER, AT(guard.user_messages_per_day), "5000", 0, 100000000, NULL, "the same" },
	{ "guard", "user_recipients_per_hour", OPTION_NUMBER, AT(guard.user_recipients_per_hour), "5000", 0, 100000000, NULL, "the same" },
	{ "guard", "user_recipients_per_day", OPTION_NUMBER, AT(guard.user_recipients_per_day), "20000", 0, 100000000, NULL, "the same" },
	{ "guard", "unknown_slow", OPTION_NUMBER, AT(guard.unknown_slow), "20", 0, 1000000, NULL,
	  "unknown recipients in an hour from a network that knows few of ours, before its answers come late" },
	{ "guard", "unknown_max", OPTION_NUMBER, AT(guard.unknown_max), "200", 0, 1000000, NULL, "before it is turned away for now" },
	{ "guard", "tarpit", OPTION_DURATION, AT(guard.tarpit_ms), "5s", 0, 60000, NULL, "how late a late answer is" },
	{ "guard", "dnsbl", OPTION_LIST, AT(guard_dnsbl), "", 0, 0, NULL,
	  "lists in DNS and their points, \"ZONE=POINTS\" or \"ZONE 127.0.0.2=5 127.0.0.4-7=3\"; negative for lists of good addresses" },
	{ "guard", "dnsbl_limit", OPTION_DURATION, AT(guard.dnsbl_limit_ms), "10s", 100, 60000, NULL, "for all of them together" },
	{ "guard", "helo", OPTION_BOOL, AT(guard.helo), "true", 0, 0, NULL,
	  "a strange HELO name costs points: our own 4, a bare address or an invalid name 2, one without a domain 1" },
	{ "guard", "tarpit_points", OPTION_NUMBER, AT(guard.tarpit_points), "0", 0, 10000, NULL, "from so many points on answers are late; 0: never, here and below" },
	{ "guard", "junk_points", OPTION_NUMBER, AT(guard.junk_points), "0", 0, 10000, NULL, "from so many points on a message goes to Junk" },
	{ "guard", "reject_points", OPTION_NUMBER, AT(guard.reject_points), "0", 0, 10000, NULL, "from so many points on it is refused" },
	{ "guard", "greylist", OPTION_BOOL, AT(guard.greylist), "false", 0, 0, NULL,
	  "whoever comes for the first time with a sender for a recipient is asked to come again (RFC 6647)" },
	{ "guard", "greylist_points", OPTION_NUMBER, AT(guard.greylist_points), "0", 0, 10000, NULL, "only with so many points; 0: everybody but who is on a list of good ones" },
	{ "guard", "greylist_spf", OPTION_BOOL, AT(guard.greylist_spf), "false", 0, 0, NULL, "also where SPF passes" },
	{ "guard", "greylist_delay", OPTION_DURATION, AT(guard.greylist_delay_ms), "2m", 1000, DAY, NULL, "not before" },
	{ "guard", "greylist_window", OPTION_DURATION, AT(guard.greylist_window_ms), "2d", 60000, 30 * (uint64_t)DAY, NULL, "and no later" },
	{ "guard", "greylist_life", OPTION_DURATION, AT(guard.greylist_life_ms), "36d", DAY, 365 * (uint64_t)DAY, NULL, "known for so long after the last time" },
	{ "guard", "greylist_known_after", OPTION_NUMBER, AT(guard.greylist_known_after), "5", 0, 1000000, NULL, "such pairs make their network known; 0: never" },
	{ "milter", "filters", OPTION_LIST, AT(milter_filters), "", 0, 0, NULL,
	  "content filters of mail from outside, \"unix:PATH\" or \"inet:ADDRESS:PORT\" and settings: doc/admin/filtering.md" },
	{ "milter", "submission_filters", OPTION_LIST, AT(milter_submission_filters), "", 0, 0, NULL, "the same for what users send" },
	{ "submission", "from", OPTION_WORD, AT(mail.submission_from), "own", 0, 0, submission_froms,
	  "whose address may stand in From: any, own, or sender (anybody's, but then Sender names the user)" },
	{ "submission", "fetch", OPTION_STR, AT(mail.submission_fetch), "", 0, 0, NULL,
	  "users that fetch the mail of whole domains with ATRN, like: alice@example.org=one.example,two.example bob@example.org=three.example" },
	{ "submission", "hide_client", OPTION_BOOL, AT(mail.submission_hide_client), "false", 0, 0, NULL,
	  "leave name and address of the client out of Received" },
	{ "submission", "hold_max", OPTION_DURATION, AT(mail.submission_hold_max_ms), "7d", MINUTE, 365 * (uint64_t)DAY, NULL,
	  "longest time that FUTURERELEASE may ask for (RFC 4865)" },
	{ "dns", "servers", OPTION_TEXT, AT(dns.servers), "", 0, 0, NULL,
	  "resolvers to ask, like 192.0.2.53 127.0.0.1@5353; empty: the name servers of the world themselves" },
	{ "dns", "trust_anchor", OPTION_TEXT, AT(dns.trust_anchor), "", 0, 0, NULL, "file with the root's keys for DNSSEC; empty: the system's; none: nothing is validated" },
	{ "dns", "root_hints", OPTION_TEXT, AT(dns.stub_hints), "", 0, 0, NULL, "file with the root's name servers; empty: the built-in list" },
	{ "dns", "timeout", OPTION_DURATION, AT(dns.timeout_ms), "10s", 100, 60000, NULL, "of one question" },
	{ "dns", "cache", OPTION_NUMBER, AT(dns.cache_mb), "16", 1, 4096, NULL, "megabytes of answers that are remembered" },
	{ "acme", "agree", OPTION_BOOL, AT(acme.agree), "false", 0, 0, NULL,
	  "get certificates from the authority below and agree to its terms; ports 80 and 443 must be reachable from outside" },
	{ "acme", "directory", OPTION_TEXT, AT(acme.directory), "https://acme-v02.api.letsencrypt.org/directory", 0, 0, NULL, "the authority" },
	{ "acme", "contact", OPTION_TEXT, AT(acme.contact), "", 0, 0, NULL, "address that the authority may write to" },
	{ "acme", "names", OPTION_TEXT, AT(acme.names), "", 0, 0, NULL, "more names for the certificate, parted by spaces; it always holds the host name" },
	{ "acme", "challenge", OPTION_WORD, AT(acme.challenge), "http-01", 0, 0, acme_challenges,
	  "how the names are proven: http-01 (port 80), tls-alpn-01 (port 443), dns-01 (by dns_hook)" },
	{ "acme", "dns_hook", OPTION_TEXT, AT(acme.dns_hook), "", 0, 0, NULL,
	  "program that sets TXT records: HOOK present|remove NAME VALUE; returns when the world sees it" },
	{ "acme", "keep_key", OPTION_BOOL, AT(acme.keep_key), "false", 0, 0, NULL,
	  "renew with the same key: needed where a TLSA record names it (DANE)" },
	{ "acme", "ca_file", OPTION_TEXT, AT(acme.ca_file), "", 0, 0, NULL, "certificates that the authority's HTTPS is believed by; empty: the system's" },
	{ "acme", "eab_kid", OPTION_TEXT, AT(acme.eab_kid), "", 0, 0, NULL, "external account binding, where the authority wants one: its id" },
	{ "acme", "eab_key", OPTION_TEXT, AT(acme.eab_key), "", 0, 0, NULL, "and its key (base64url)" },
	{ "mta_sts", "mode", OPTION_WORD, AT(sts.mode), "off", 0, 0, sts_modes,
	  "what our domains ask of those who send to them (RFC 8461): off, testing or enforce; served at https://mta-sts.DOMAIN" },
	{ "mta_sts", "mx", OPTION_STR, AT(sts.mx), "", 0, 0, NULL, "names of the mail exchangers, parted by spaces; empty: the host name" },
	{ "mta_sts", "max_age", OPTION_DURATION, AT(sts.max_age_ms), "7d", 3600000, 365 * (uint64_t)DAY, NULL, "how long others remember the policy" },
	{ "dkim", "rotate_days", OPTION_NUMBER, AT(dkim_rotate_days), "0", 0, 3650, NULL,
	  "a new signing key for each domain after so many days, used once its DNS record can be seen; 0: by hand (troika dkim rotate)" },
	{ "queue", "retry_first", OPTION_DURATION, AT(queue.retry_first_ms), "5m", 1000, DAY, NULL, "after a first failure for now; then growing" },
	{ "queue", "retry_max", OPTION_DURATION, AT(queue.retry_max_ms), "4h", 1000, 7 * DAY, NULL, "up to this" },
	{ "queue", "expire", OPTION_DURATION, AT(queue.expire_ms), "5d", 60000, 60 * (uint64_t)DAY, NULL, "when a message that could not be delivered goes back" },
	{ "queue", "expire_notices", OPTION_DURATION, AT(queue.expire_notices_ms), "1d", 60000, 60 * (uint64_t)DAY, NULL, "the same for notices, which go nowhere" },
	{ "queue", "warn", OPTION_DURATION, AT(queue.warn_ms), "4h", 60000, 60 * (uint64_t)DAY, NULL, "when its sender is told that it is late" },
	{ "queue", "messages", OPTION_NUMBER, AT(queue.messages), "10000000", 1, 1000000000, NULL, "messages that may wait; more are refused for now" },
	{ "outbound", "routes", OPTION_LIST, AT(outbound.routes), "", 0, 0, NULL,
	  "ways other than by MX records, \"PATTERN TRANSPORT KEY=VALUE\": doc/admin/delivery.md" },
	{ "outbound", "helo", OPTION_STR, AT(outbound.config.helo), "", 0, 0, NULL, "name in EHLO; empty: hostname" },
	{ "outbound", "own_names", OPTION_LIST, AT(outbound.own_names), "", 0, 0, NULL, "other names of this host in MX records" },
	{ "outbound", "sources", OPTION_LIST, AT(outbound.sources), "", 0, 0, NULL, "addresses to connect from; none: the system chooses" },
	{ "outbound", "ip", OPTION_WORD, AT(outbound.config.ip), "ipv6-first", 0, 0, ip_orders, "ipv6-first, ipv4-first, ipv4 or ipv6" },
	{ "outbound", "threads", OPTION_NUMBER, AT(outbound.config.threads), "200", 1, 5000, NULL, "deliveries at once" },
	{ "outbound", "concurrency", OPTION_NUMBER, AT(outbound.config.concurrency), "20", 1, 5000, NULL, "deliveries at once to one destination" },
	{ "outbound", "rate", OPTION_NUMBER, AT(outbound.config.per_minute), "0", 0, 1000000, NULL, "messages a minute to one destination; 0: no limit" },
	{ "outbound", "host_connections", OPTION_NUMBER, AT(outbound.config.host_connections), "50", 1, 5000, NULL, "connections at once to one address" },
	{ "outbound", "idle", OPTION_DURATION, AT(outbound.config.idle_ms), "5s", 1, 60000, NULL, "how long an open connection waits for more mail" },
	{ "outbound", "dane", OPTION_BOOL, AT(outbound.dane), "true", 0, 0, NULL, "keep to TLSA records (RFC 7672)" },
	{ "outbound", "mta_sts", OPTION_BOOL, AT(outbound.mta_sts), "true", 0, 0, NULL, "keep to the MTA-STS policies of other domains (RFC 8461)" },
	{ "outbound", "ca_file", OPTION_TEXT, AT(outbound.config.ca_file), "", 0, 0, NULL, "certificates that others are believed by; empty: the system's" },
	{ "outbound", "postmaster", OPTION_STR, AT(outbound.config.postmaster), "", 0, 0, NULL, "address that notices come from; empty: postmaster of the first domain" },
	{ "outbound", "tell_postmaster", OPTION_BOOL, AT(outbound.config.tell_postmaster), "false", 0, 0, NULL, "tell it about notices that cannot be delivered" },
	{ "report", "dmarc", OPTION_BOOL, AT(report.dmarc), "true", 0, 0, NULL,
	  "send the owners of domains a daily report about mail in their name, where they ask for it (RFC 7489)" },
	{ "report", "tls", OPTION_BOOL, AT(report.tls), "true", 0, 0, NULL, "the same about TLS on the way to them (RFC 8460)" },
	{ "report", "sender", OPTION_STR, AT(report.sender), "", 0, 0, NULL, "address that reports come from; empty: postmaster of the first domain" },
	{ "report", "ca_file", OPTION_TEXT, AT(report.ca_file), "", 0, 0, NULL, "certificates that https: addresses are believed by; empty: the system's" },
	{ "search", "enabled", OPTION_BOOL, AT(search.enabled), "true", 0, 0, NULL,
	  "keep an index of every account's words, in the directory `search`; without it SEARCH reads messages" },
	{ "search", "threads", OPTION_NUMBER, AT(search.threads), "1", 1, 16, NULL, "threads that index in the background" },
	{ "search", "converter", OPTION_STR, AT(search.converter), "", 0, 0, NULL,
	  "program that makes text of PDF and Office attachments, an absolute path: run as PROGRAM TYPE NAME, the attachment on its standard input, UTF-8 text from its standard output" },
	{ "sandbox", "enabled", OPTION_BOOL, AT(sandbox.enabled), "true", 0, 0, NULL,
	  "the server gives up all files outside the data directory and all system calls that it does not need: doc/admin/sandbox.md" },
	{ "sandbox", "read", OPTION_LIST, AT(sandbox.read), "", 0, 0, NULL,
	  "more files and directories that it may read, for what a reload names that the start did not, like { \"/etc/pki/mail\" }" },
	{ "sandbox", "core_dumps", OPTION_BOOL, AT(sandbox.core_dumps), "false", 0, 0, NULL,
	  "a crash writes the server's memory to a file, and debuggers of its user may look into it: to find a fault, with secrets in it" },
	{ "metrics", "listen", OPTION_STR, AT(metrics.listen), "", 0, 0, NULL,
	  "ADDRESS:PORT where Prometheus may ask for /metrics, and others for /health, /ready and /sessions, without a password: 127.0.0.1:9618; empty: only on "
	  "the socket run/troika.sock of the data directory, for its owner" },
	{ "audit", "keep_days", OPTION_NUMBER, AT(audit_keep_days), "365", 0, AUDIT_KEEP_DAYS_MAX, NULL,
	  "how many days the trail of logins and administrators' acts is kept (troika audit); 0: for ever" },
	{ "pop3", "login_delay", OPTION_DURATION, AT(pop3_login_delay_ms), "0", 0, DAY, NULL, "least time between two logins of a user" },
	{ 0 },
};

const char *const config_sections[] = { "log", "tls", "auth", "limits", "undelete", "timeouts", "imap", "smtp", "guard", "milter", "submission", "pop3", "dns", "acme", "mta_sts", "dkim", "queue", "outbound", "report", "search", "sandbox", "metrics", "audit", NULL };

#define OPTIONS_MAX 64      /* of one section; checked by config_test.c */

/* libConfuse copies the table it is given, deeply; ours may be on the stack. */
static void add_options(const char *section, cfg_opt_t *out, unsigned *n)
{
	static char no_list[] = "{}";         /* libConfuse wants it writable, and copies it */

	for (const struct config_option *o = config_options; o->name; o++) {
		if (strcmp(o->section, section) != 0 || *n + 4 >= OPTIONS_MAX)
			continue;
		if (o->kind == OPTION_BOOL)
			out[(*n)++] = (cfg_opt_t)CFG_BOOL(o->name, o->fallback[0] == 't' ? cfg_true : cfg_false, CFGF_NONE);
		else if (o->kind == OPTION_LIST)
			out[(*n)++] = (cfg_opt_t)CFG_STR_LIST(o->name, no_list, CFGF_NONE);
		else
			out[(*n)++] = (cfg_opt_t)CFG_STR(o->name, o->fallback, CFGF_NONE);
	}
}

cfg_t *config_schema(void)
{
	char no_list[] = "{}";       /* libConfuse wants it writable, and copies it */
	cfg_opt_t identity[] = { CFG_STR("certificate", NULL, CFGF_NONE), CFG_STR("key", NULL, CFGF_NONE), CFG_END() };
	cfg_opt_t proxy[] = { CFG_STR_LIST("from", no_list, CFGF_NONE), CFG_END() };
	cfg_opt_t listen[APP_PROTO_COUNT + 1];
	cfg_opt_t sections[sizeof config_sections / sizeof *config_sections][OPTIONS_MAX];
	cfg_opt_t top[OPTIONS_MAX];
	unsigned n_top = 0;

	for (enum app_proto p = 0; p < APP_PROTO_COUNT; p++)
		listen[p] = (cfg_opt_t)CFG_STR_LIST(app_proto_name(p), no_list, CFGF_NONE);
	listen[APP_PROTO_COUNT] = (cfg_opt_t)CFG_END();
	add_options("", top, &n_top);
	for (unsigned i = 0; config_sections[i]; i++) {
		unsigned n = 0;
		add_options(config_sections[i], sections[i], &n);
		if (!strcmp(config_sections[i], "tls")) {
			sections[i][n++] = (cfg_opt_t)CFG_STR("certificate", "", CFGF_NONE);
			sections[i][n++] = (cfg_opt_t)CFG_STR("key", "", CFGF_NONE);
			sections[i][n++] = (cfg_opt_t)CFG_SEC("identity", identity, CFGF_MULTI);
		}
		sections[i][n] = (cfg_opt_t)CFG_END();
		top[n_top++] = (cfg_opt_t)CFG_SEC(config_sections[i], sections[i], CFGF_NONE);
	}
	top[n_top++] = (cfg_opt_t)CFG_SEC("listen", listen, CFGF_NONE);
	top[n_top++] = (cfg_opt_t)CFG_SEC("proxy", proxy, CFGF_NONE);
	top[n_top] = (cfg_opt_t)CFG_END();
	return cfg_init(top, CFGF_NONE);
}

void app_config_sample(struct buf *b, struct str hostname)
{
	const char *section = "";

	buf_add_lit(b, "# Troika's configuration. Every option has a default; the lines show it. Changes take effect on SIGHUP,\n"
				   "# those of listen, user, search and limits on a restart.\n\n");
	for (const struct config_option *o = config_options; o->name; o++) {
		if (strcmp(o->section, section) != 0) {
			if (*section)
				buf_add_lit(b, "}\n");
			section = o->section;
			buf_printf(b, "\n%s {\n", section);
			if (!strcmp(section, "tls"))
				buf_add_lit(b, "\t# PEM files, the chain leaf first; none: a self-signed certificate in the data directory. More names: identity { certificate = ... key = ... }\n"
							   "\t# certificate = \"/etc/letsencrypt/live/mail.example.org/fullchain.pem\"\n"
							   "\t# key = \"/etc/letsencrypt/live/mail.example.org/privkey.pem\"\n");
		}
		const char *tab = *section ? "\t" : "", *quote = o->kind == OPTION_BOOL || o->kind == OPTION_LIST ? "" : "\"";
		bool is_name = !strcmp(o->name, "hostname") && hostname.n;
		buf_printf(b, "%s# %s\n%s%s%s = %s%.*s%s\n", tab, o->help, tab, is_name ? "" : "# ", o->name, quote,
				   STR_ARG(is_name ? hostname : str_from_c(o->kind == OPTION_LIST ? "{ }" : o->fallback)), quote);
	}
	buf_add_lit(b, "}\n\n# Without this section all of them listen on their standard ports, except lmtp; http and https when acme or mta_sts needs them.\n"
				   "# listen {\n#\tsmtp = { \"*:25\" }\n#\tsubmission = { \"*:587\" }\n#\tsubmissions = { \"*:465\" }\n#\tpop3 = { \"*:110\" }\n"
				   "#\tpop3s = { \"*:995\" }\n#\timap = { \"*:143\" }\n#\timaps = { \"*:993\" }\n#\tlmtp = { \"127.0.0.1:24\" }\n#\thttp = { \"*:80\" }\n#\thttps = { \"*:443\" }\n# }\n\n"
				   "# Networks whose connections begin with a PROXY protocol header (haproxy).\n# proxy {\n#\tfrom = { \"192.0.2.0/24\" }\n# }\n");
}
