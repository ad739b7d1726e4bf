/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config_problems.h"

#include <stdarg.h>
#include <string.h>

void copycatd_problems_init(struct copycatd_problems *problems)
{
    problems->size = 0;
    problems->count = 0;
    problems->unwritten = 0;
}

void copycatd_problems_add(struct copycatd_problems *problems, const char *format, ...)
{
    char sentence[COPYCATD_SENTENCE_SIZE_MAX + 1];
    size_t size;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    size = strlen(sentence);
    problems->count++;
    if (size + 1 > sizeof problems->text - problems->size) {
        problems->unwritten++;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)sentence[i];

        if (byte < ' ' || byte == 0x7f) {
            sentence[i] = '?'; /* O1 */
        }
    }
    memcpy(problems->text + problems->size, sentence, size);
    problems->text[problems->size + size] = '\n';
    problems->size += size + 1;
}

void copycatd_problems_print(
    const struct copycatd_problems *problems, const char *prefix, FILE *file)
{
    const char *line = problems->text;
    const char *end = problems->text + problems->size;

    while (line < end) {
        const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;

        fprintf(file, "%s%.*s", prefix, (int)(next - line), line);
        line = next;
    }
    if (problems->unwritten > 0) {
        fprintf(file, "%sand %u more\n", prefix, problems->unwritten);
    }
}
