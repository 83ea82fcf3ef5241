#include "rt/tls.h"

#include "base/buf.h"
#include "rt/crypto.h"
#include "rt/net.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS_PER_DAY 86400

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* RFC 5280 4.2.1.6; the library wants "DNS:a,IP:b". A name with a comma or a NUL is none. */
static bool add_names(X509 *cert, const struct str *names, size_t n)
{
	struct buf list = BUF_INIT(0);
	struct net_addr addr;
	bool ok = n > 0;
	for (size_t i = 0; i < n; i++) {
		ok = ok && names[i].n > 0 && str_chr(names[i], ',') == STR_NPOS && str_chr(names[i], '\0') == STR_NPOS;
		buf_printf(&list, "%s%s:%.*s", i > 0 ? "," : "", net_addr_parse(names[i], 0, &addr) ? "IP" : "DNS", STR_ARG(names[i]));
	}
	buf_add_char(&list, '\0');
	ok = ok && !list.failed && add_extension(cert, NID_subject_alt_name, list.p);
	buf_fini(&list);
	return ok;
}

static bool fill_certificate(X509 *cert, EVP_PKEY *key, const struct str *names, size_t n, unsigned days)
{
	uint64_t serial;
	crypto_random(&serial, sizeof(serial));
	X509_NAME *subject = X509_get_subject_name(cert);
	struct str common = n > 0 ? str_sub(names[0], 0, 64) : STR_NONE;        /* RFC 5280 A.1: ub-common-name */
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -SECONDS_PER_DAY) &&        /* clocks of clients differ */
	       X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL) && X509_set_pubkey(cert, key) == 1 &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)common.p, (int)common.n, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, subject) == 1 && add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") && add_names(cert, names, n) &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

#define PATH_MAX_BYTES 4096

static bool new_name(const char *path, char *out) { return snprintf(out, PATH_MAX_BYTES, "%s.new", path) < PATH_MAX_BYTES; }

/* Beside its place, synced: whenever the process is killed, no half of a file has the name that counts. */
static int write_pem(const char *place, mode_t mode, X509 *cert, EVP_PKEY *key, struct err *e)
{
	char path[PATH_MAX_BYTES];
	if (!new_name(place, path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", place);
	unlink(path);        /* what a kill left */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_from_errno(e, errno, "%s", path);
	BIO *out = BIO_new_fd(fd, BIO_NOCLOSE);
	int ok = out && (cert ? PEM_write_bio_X509(out, cert) : PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
	BIO_free(out);
	ok = fsync(fd) == 0 && ok;
	close(fd);
	if (ok)
		return 0;
	unlink(path);
	return err_set(e, ERR_IO, NULL, "%s: cannot be written", path);
}

static int put_in_place(const char *place, struct err *e)
{
	char path[PATH_MAX_BYTES];
	new_name(place, path);
	return rename(path, place) == 0 ? 0 : err_from_errno(e, errno, "%s", place);
}

static void sync_directory_of(const char *path)
{
	char dir[PATH_MAX_BYTES];
	size_t slash = str_rchr(str_from_c(path), '/');
	if (slash == STR_NPOS || !str_copy_c(dir, sizeof(dir), str_make(path, slash)))
		return;
	int fd = open(slash ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* The certificate comes last: a key without one was left by a kill. */
int tls_self_signed(const struct str *names, size_t n_names, unsigned days, const char *cert_file, const char *key_file, struct err *e)
{
	if (access(cert_file, F_OK) == 0)
		return err_set(e, ERR_EXISTS, NULL, "%s is already there", cert_file);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	int r = 0;
	if (!key || !cert || !fill_certificate(cert, key, names, n_names, days))
		r = err_set(e, ERR_INVALID, NULL, "no certificate can be made for these names");
	if (r == 0)
		r = write_pem(key_file, 0600, NULL, key, e);
	if (r == 0)
		r = write_pem(cert_file, 0644, cert, NULL, e);
	if (r == 0)
		r = put_in_place(key_file, e);
	if (r == 0)
		r = put_in_place(cert_file, e);
	if (r == 0)
		sync_directory_of(cert_file);
	X509_free(cert);
	EVP_PKEY_free(key);
	return r;
}

int tls_fingerprint(const char *cert_file, char *out, size_t size, struct err *e)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	BIO *in = BIO_new_file(cert_file, "r");
	X509 *cert = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	int ok = cert && X509_digest(cert, EVP_sha256(), digest, &n) == 1;
	X509_free(cert);
	BIO_free(in);
	if (!ok)
		return err_set(e, ERR_INVALID, NULL, "%s: no certificate in PEM form", cert_file);
	if (size < 3 * (size_t)n)
		return err_set(e, ERR_TOO_BIG, NULL, "fingerprint: %zu bytes are not enough", size);
	for (size_t i = 0; i < n; i++) {
		out[3 * i] = digits[digest[i] >> 4];
		out[3 * i + 1] = digits[digest[i] & 0xf];
		out[3 * i + 2] = ':';
	}
	out[3 * (size_t)n - 1] = '\0';
	return 0;
}
