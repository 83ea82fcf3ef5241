#include "codec/mime/nfc.h"

#include "base/err.h"
#include "base/utf8.h"

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* No code point has more UTF-16 units than UTF-8 bytes. *n_out is how many there are. */
static bool decode(struct str utf8, UChar units[NFC_INPUT_MAX], int32_t *n_out)
{
	UErrorCode status = U_ZERO_ERROR;
	u_strFromUTF8(units, NFC_INPUT_MAX, n_out, utf8.p, (int32_t)utf8.n, &status);
	return U_SUCCESS(status);
}

bool nfc_is(struct str utf8)
{
	if (utf8.n > NFC_INPUT_MAX || utf8_is_ascii(utf8))
		return true;
	UChar units[NFC_INPUT_MAX];
	int32_t n;
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
	return !decode(utf8, units, &n) || unorm2_isNormalized(nfc, units, n, &status) || U_FAILURE(status);
}

int nfc_normalize(struct str utf8, char *room, size_t room_bytes, struct str *out)
{
	UChar from[NFC_INPUT_MAX], to[NFC_INPUT_MAX];
	int32_t n, made, bytes;
	UErrorCode status = U_ZERO_ERROR;
	*out = STR_NONE;
	if (utf8.n > NFC_INPUT_MAX)
		return ERR_TOO_BIG;
	if (utf8_is_ascii(utf8)) {
		if (utf8.n > room_bytes)
			return ERR_TOO_BIG;
		memmove(room, utf8.p, utf8.n);
		*out = str_make(room, utf8.n);
		return 0;
	}
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
	if (!decode(utf8, from, &n))
		return ERR_TOO_BIG;
	made = unorm2_normalize(nfc, from, n, to, NFC_INPUT_MAX, &status);
	u_strToUTF8(room, room_bytes > INT32_MAX ? INT32_MAX : (int32_t)room_bytes, &bytes, to, made, &status);
	if (status == U_BUFFER_OVERFLOW_ERROR)
		return ERR_TOO_BIG;
	if (U_FAILURE(status))
		return ERR_NO_MEMORY;
	*out = str_make(room, (size_t)bytes);
	return 0;
}
