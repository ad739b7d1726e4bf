/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cli -- what people type and pipe into the command line: lines to import, escapes, arguments,
 * lists of servers.
 *
 * The first byte chooses.  Whatever comes is read to its end; complaints are sentences without
 * control characters of the terminal's; what is taken is what was meant:
 *
 *   - lines come out the same however the bytes come in, and each key and value within its limits;
 *   - bytes that are written with escapes are read back the same (E1), without a control (E2);
 *   - arguments name a verb, as many operands as it wants, and only flags that it takes.
 */
#include "api/address.h"
#include "arguments.h"
#include "base/prng.h"
#include "bench_options.h"
#include "escape.h"
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 12

#define CHECK(condition)        \
    do {                        \
        if (!(condition)) {     \
            complain(__LINE__); \
        }                       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void complain(int line)
{
    fprintf(stderr, "fuzz_cli.c:%d does not hold\n", line);
    abort();
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* What the lines of a stream come to. */
struct outcome {
    uint64_t lines;
    uint64_t wrong;
    uint64_t sum; /* of all that was in keys and values, in their order */
};

static void add_up(struct outcome *outcome, copycat_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        outcome->sum = outcome->sum * 31 + ((const uint8_t *)bytes.data)[i] + 1;
    }
    outcome->sum = outcome->sum * 31 + 7;
}

static void take_line(struct outcome *outcome, const struct cli_line *line)
{
    copycat_bytes key;
    copycat_bytes value;
    const char *wrong = cli_line_split(line, &key, &value);

    outcome->lines++;
    if (wrong != NULL) {
        CHECK(wrong[0] != '\0');
        outcome->wrong++;
        return;
    }
    CHECK(key.size > 0 && key.size <= CLI_KEY_SIZE_MAX && value.size <= CLI_VALUE_SIZE_MAX);
    add_up(outcome, key);
    add_up(outcome, value);
}

/* In pieces of up to `piece_max` bytes. */
static struct outcome read_lines(
    const uint8_t *bytes, size_t size, size_t piece_max, struct cc_prng *prng)
{
    struct outcome outcome = {0, 0, 0};
    struct cli_lines lines;
    struct cli_line line;
    enum cli_lines_verdict verdict;
    size_t at = 0;

    cli_lines_init(&lines);
    while ((verdict = cli_lines_next(&lines, &line)) != CLI_LINES_END) {
        size_t piece = 1 + (size_t)cc_prng_below(prng, piece_max);
        size_t room;
        char *into;

        if (verdict == CLI_LINES_LINE) {
            take_line(&outcome, &line);
            CHECK(lines.number == outcome.lines);
            continue;
        }
        CHECK(verdict == CLI_LINES_MORE);
        into = cli_lines_room(&lines, &room);
        CHECK(room > 0);
        piece = piece < room ? piece : room;
        piece = piece < size - at ? piece : size - at;
        memcpy(into, bytes + at, piece);
        cli_lines_added(&lines, piece);
        at += piece;
    }
    CHECK(at == size);
    cli_lines_deinit(&lines);
    return outcome;
}

static void try_lines(const uint8_t *bytes, size_t size)
{
    struct cc_prng prng = {size};
    struct outcome whole = read_lines(bytes, size, SIZE_MAX / 2, &prng);
    struct outcome split = read_lines(bytes, size, 7, &prng);

    CHECK(whole.lines == split.lines && whole.wrong == split.wrong && whole.sum == split.sum);
}

/* ---- escapes ---------------------------------------------------------------------------------- */

static void try_escapes(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size * CLI_ESCAPE_GROWTH + 1);
    char *again = malloc(size * CLI_ESCAPE_GROWTH + 1);
    size_t written;
    size_t read;

    CHECK(text != NULL && again != NULL);
    written = cli_escape_write((copycat_bytes){bytes, size}, text);
    CHECK(written <= size * CLI_ESCAPE_GROWTH);
    CHECK(cli_escape_is_text((copycat_bytes){text, written}));
    for (size_t i = 0; i < written; i++) { /* E2 */
        CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    }
    CHECK(cli_escape_read((copycat_bytes){text, written}, again, &read) == NULL); /* E1 */
    CHECK(read == size && memcmp(again, bytes, size) == 0);
    if (cli_escape_read((copycat_bytes){bytes, size}, again, &read) == NULL) {
        CHECK(read <= size);
    }
    free(text);
    free(again);
}

/* ---- arguments -------------------------------------------------------------------------------- */

static void check_sentence(const copycat_message *message)
{
    CHECK(message->text[0] != '\0');
    CHECK(memchr(message->text, '\0', sizeof message->text) != NULL);
}

static void try_arguments(int argc, char **argv, const char *servers)
{
    struct cli_arguments arguments;
    copycat_message message = {.text = ""};
    int place;

    (void)cli_arguments_own(argc, argv, &place);
    if (!cli_arguments_parse(&arguments, argc, argv, servers, &message)) {
        check_sentence(&message);
        return;
    }
    CHECK(arguments.servers != NULL && arguments.servers[0] != '\0');
    CHECK(arguments.timeout_ms <= UINT32_MAX && cli_arguments_timeout_ms(&arguments) > 0);
    if (arguments.verb == NULL) {
        CHECK(
            cli_arguments_has(&arguments, CLI_FLAG_HELP) ||
            cli_arguments_has(&arguments, CLI_FLAG_VERSION));
        return;
    }
    if (!cli_arguments_has(&arguments, CLI_FLAG_HELP)) {
        CHECK(arguments.operand_count >= arguments.verb->operands_min);
        CHECK(arguments.operand_count <= arguments.verb->operands_max);
        for (uint32_t i = 0; i < arguments.operand_count; i++) {
            CHECK(arguments.operands[i] != NULL);
        }
    }
    for (int flag = 0; flag < CLI_FLAG_COUNT; flag++) {
        CHECK(
            !cli_arguments_has(&arguments, (enum cli_flag)flag) ||
            cli_verb_takes(arguments.verb, (enum cli_flag)flag));
    }
}

static void try_bench(int argc, char **argv)
{
    struct bench_options options;
    copycat_message message = {.text = ""};

    if (!bench_options_parse(&options, argc, argv, &message)) {
        check_sentence(&message);
        return;
    }
    CHECK(options.is_help || (options.clients > 0 && options.window > 0 && options.keys > 0));
    CHECK(options.is_help || bench_consistency_name(options.consistency) != NULL);
}

/* Lines of `text` are words; the first is what the environment says of servers. */
static void try_words(char *text, bool is_bench)
{
    char program[] = "copycat";
    char *argv[WORDS_MAX + 2] = {program};
    int argc = 1;
    char *rest = text;
    const char *servers = strsep(&rest, "\n");
    char *word;

    while (argc < WORDS_MAX && (word = strsep(&rest, "\n")) != NULL) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    if (is_bench) {
        try_bench(argc, argv);
    } else {
        try_arguments(argc, argv, servers);
    }
}

static void try_addresses(const char *text)
{
    struct cc_addresses addresses;
    copycat_message message = {.text = ""};

    if (cc_addresses_parse(text, &addresses, &message) != COPYCAT_OK) {
        check_sentence(&message);
        return;
    }
    CHECK(addresses.count >= 1 && addresses.count <= CC_ADDRESSES_MAX);
    for (uint32_t i = 0; i < addresses.count; i++) {
        CHECK(addresses.at[i] != NULL && addresses.at[i][0] != '\0');
        CHECK(strlen(addresses.at[i]) <= strlen(text));
    }
    cc_addresses_free(&addresses);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0) {
        return 0;
    }
    text = malloc(size);
    CHECK(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 5) {
    case 0:
        try_lines(data + 1, size - 1);
        break;
    case 1:
        try_escapes(data + 1, size - 1);
        break;
    case 2:
        try_addresses(text);
        break;
    default:
        try_words(text, data[0] % 5 == 4);
    }
    free(text);
    return 0;
}
