/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape -- see escape.h.
 */
#include "escape.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

/* ---- what is text ----------------------------------------------------------------------------- */

static bool is_continuation(const unsigned char *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((at[i] & 0xc0u) != 0x80u) {
            return false;
        }
    }
    return true;
}

/* How many bytes the UTF-8 character at the front has; 0: there is none. */
static size_t character_size(const unsigned char *at, size_t size)
{
    unsigned char first = at[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first > 0xf4 || length == 0 || length > size || !is_continuation(at + 1, length - 1)) {
        return 0;
    }
    /* The forms that say in more bytes what fits in less, surrogates, and what Unicode has not. */
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    return length;
}

bool cli_escape_is_text(copycat_bytes bytes)
{
    const unsigned char *at = bytes.data;

    for (size_t i = 0; i < bytes.size;) {
        size_t length = character_size(at + i, bytes.size - i);

        if (length == 0 || at[i] == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* The letter behind the backslash; 0: there is none for this byte. */
static char letter_of(unsigned char byte)
{
    switch (byte) {
    case '\\':
        return '\\';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\0':
        return '0';
    default:
        return 0;
    }
}

/* How many bytes at the front may stand as they are.  The second row of control characters
 * (U+0080 to U+009F) moves the cursor of a terminal as the first does. */
static size_t plain_size(const unsigned char *at, size_t size)
{
    size_t length = character_size(at, size);

    if (at[0] < 0x20 || at[0] == 0x7f || at[0] == '\\' ||
        (at[0] == 0xc2 && length == 2 && at[1] < 0xa0)) {
        return 0;
    }
    return length;
}

static size_t write_byte(unsigned char byte, char *text_out)
{
    char letter = letter_of(byte);

    text_out[0] = '\\';
    if (letter != 0) {
        text_out[1] = letter;
        return 2;
    }
    text_out[1] = 'x';
    text_out[2] = digits[byte >> 4];
    text_out[3] = digits[byte & 15];
    return 4;
}

static size_t write_all(copycat_bytes bytes, bool is_for_eye, char *text_out)
{
    const unsigned char *at = bytes.data;
    size_t used = 0;

    for (size_t i = 0; i < bytes.size;) {
        size_t length = is_for_eye && at[i] == '\\' ? 1 : plain_size(at + i, bytes.size - i);

        if (length == 0) {
            used += write_byte(at[i], text_out + used);
            i++;
        } else {
            memcpy(text_out + used, at + i, length);
            used += length;
            i += length;
        }
    }
    return used;
}

size_t cli_escape_write(copycat_bytes bytes, char *text_out)
{
    return write_all(bytes, false, text_out);
}

size_t cli_escape_show(copycat_bytes bytes, char *text_out)
{
    return write_all(bytes, true, text_out);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    if (letter >= 'a' && letter <= 'f') {
        return letter - 'a' + 10;
    }
    return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

/* What follows a backslash; returns how many bytes of it were used, 0: it makes no sense. */
static size_t read_escape(const char *at, size_t size, char *byte_out)
{
    static const char letters[] = "\\tnr0";
    static const char bytes[] = "\\\t\n\r\0";
    const char *letter = size == 0 || at[0] == '\0' ? NULL : strchr(letters, at[0]);

    if (letter != NULL) {
        *byte_out = bytes[letter - letters];
        return 1;
    }
    if (size < 3 || at[0] != 'x' || digit_of(at[1]) < 0 || digit_of(at[2]) < 0) {
        return 0;
    }
    *byte_out = (char)(digit_of(at[1]) * 16 + digit_of(at[2]));
    return 3;
}

const char *cli_escape_read(copycat_bytes text, char *bytes_out, size_t *size_out)
{
    const char *at = text.data;
    size_t used = 0;

    for (size_t i = 0; i < text.size; i++) {
        size_t taken;

        if (at[i] != '\\') {
            bytes_out[used++] = at[i];
            continue;
        }
        taken = read_escape(at + i + 1, text.size - i - 1, &bytes_out[used]);
        if (taken == 0) {
            return "has a backslash with nothing known behind it: the escapes are \\\\ \\t \\n \\r "
                   "\\0 and \\xHH";
        }
        used++;
        i += taken;
    }
    *size_out = used;
    return NULL;
}
