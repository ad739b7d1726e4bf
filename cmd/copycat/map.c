/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map -- see map.h.
 */
#include "map.h"

#include "connection.h"
#include "failure.h"
#include "operands.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One verb under way. */
struct errand {
    const struct cli_arguments *arguments;
    struct cli_connection connection;
    copycat_call_options options;
    copycat_bytes bytes[CLI_OPERANDS_MAX]; /* of the operands; that of the path is not used */
    void *owned[CLI_OPERANDS_MAX];
    copycat_value *value; /* the answer */
    bool is_json;
};

/* ---- beginning and end ------------------------------------------------------------------------ */

static void give_back(struct errand *errand)
{
    for (uint32_t i = 0; i < CLI_OPERANDS_MAX; i++) {
        free(errand->owned[i]);
    }
}

/* `value_place`: of the operand that may be "-", 0: none. */
static int begin(struct errand *errand, const struct cli_arguments *arguments, uint32_t value_place)
{
    int code = CLI_EXIT_YES;

    *errand = (struct errand){
        .arguments = arguments, .is_json = cli_arguments_has(arguments, CLI_FLAG_JSON)};
    for (uint32_t i = 1; i < arguments->operand_count && code == CLI_EXIT_YES; i++) {
        bool is_input = i == value_place && strcmp(arguments->operands[i], "-") == 0;

        code = cli_operand_read(arguments, i, is_input, &errand->bytes[i], &errand->owned[i]);
    }
    if (code == CLI_EXIT_YES) {
        code = cli_connection_open(&errand->connection, arguments);
    }
    if (code != CLI_EXIT_YES) {
        give_back(errand);
        return code;
    }
    errand->options = cli_connection_options(&errand->connection);
    return CLI_EXIT_YES;
}

static int end(struct errand *errand, int code)
{
    copycat_value_free(errand->value);
    cli_connection_close(&errand->connection);
    give_back(errand);
    return code;
}

static int await(struct errand *errand, copycat_future *future)
{
    return cli_connection_await(&errand->connection, future, &errand->value);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static bool is_absent(const struct errand *errand)
{
    return copycat_value_is_absent(errand->value) != 0;
}

static json_t *answer_as_json(const struct errand *errand)
{
    json_t *object = json_object();

    cli_json_set(object, "index", json_integer((json_int_t)copycat_value_index(errand->value)));
    return object;
}

/* The value that the answer holds, as the member `name`; absent: null. */
static void set_value(const struct errand *errand, json_t *object, const char *name)
{
    if (is_absent(errand)) {
        cli_json_set(object, name, json_null());
    } else {
        cli_json_set_bytes(object, name, copycat_value_bytes(errand->value));
    }
}

/* What a write has done, and the value that the answer holds, called `name`. */
static void tell_write(
    const struct errand *errand,
    const char *done,
    bool is_done,
    const char *otherwise,
    const char *name)
{
    if (errand->is_json) {
        json_t *object = answer_as_json(errand);

        cli_json_set(object, done, json_boolean(is_done));
        set_value(errand, object, name);
        cli_json_print(object);
        return;
    }
    fputs(is_done ? done : otherwise, stdout);
    if (!is_absent(errand)) {
        printf("; %s: ", name);
        cli_print_bytes(stdout, copycat_value_bytes(errand->value));
    }
    putchar('\n');
}

static int tell_truth(
    const struct errand *errand, const char *name, bool is_true, const char *yes, const char *no)
{
    if (errand->is_json) {
        json_t *object = answer_as_json(errand);

        cli_json_set(object, name, json_boolean(is_true));
        cli_json_print(object);
    } else {
        puts(is_true ? yes : no);
    }
    return is_true ? CLI_EXIT_YES : CLI_EXIT_NO;
}

/* ---- writes ----------------------------------------------------------------------------------- */

int cli_map_put(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 2);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(
        &errand,
        copycat_map_put(errand.connection.map, errand.bytes[1], errand.bytes[2], &errand.options));
    if (code == CLI_EXIT_YES) {
        tell_write(&errand, "stored", true, "", "before");
    }
    return end(&errand, code);
}

/* Of an absent key nothing stands on standard output, as with `map get`. */
static int tell_removal(const struct errand *errand)
{
    bool is_removed = !is_absent(errand);

    if (errand->is_json || is_removed) {
        tell_write(errand, "removed", is_removed, "", "before");
    }
    return is_removed
               ? CLI_EXIT_YES
               : cli_fail_with(errand->arguments, CLI_EXIT_NO, "not removed: there is no such key");
}

int cli_map_remove(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 0);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code =
        await(&errand, copycat_map_remove(errand.connection.map, errand.bytes[1], &errand.options));
    if (code == CLI_EXIT_YES) {
        code = tell_removal(&errand);
    }
    return end(&errand, code);
}

int cli_map_put_if_absent(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 2);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(
        &errand, copycat_map_put_if_absent(
                     errand.connection.map, errand.bytes[1], errand.bytes[2], &errand.options));
    if (code == CLI_EXIT_YES) {
        tell_write(&errand, "stored", is_absent(&errand), "not stored", "there");
        code = is_absent(&errand) ? CLI_EXIT_YES : CLI_EXIT_NO;
    }
    return end(&errand, code);
}

int cli_map_replace(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 2);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(
        &errand, copycat_map_replace(
                     errand.connection.map, errand.bytes[1], errand.bytes[2], &errand.options));
    if (code == CLI_EXIT_YES) {
        tell_write(
            &errand, "stored", !is_absent(&errand), "not stored: the key is absent", "before");
        code = is_absent(&errand) ? CLI_EXIT_NO : CLI_EXIT_YES;
    }
    return end(&errand, code);
}

int cli_map_cas(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 3);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(
        &errand, copycat_map_compare_and_set(
                     errand.connection.map, errand.bytes[1], errand.bytes[2], errand.bytes[3],
                     &errand.options));
    if (code == CLI_EXIT_YES) {
        code = tell_truth(
            &errand, "stored", copycat_value_bool(errand.value) != 0, "stored",
            "not stored: the value there is not the expected one");
    }
    return end(&errand, code);
}

int cli_map_clear(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 0);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(&errand, copycat_map_clear(errand.connection.map, &errand.options));
    if (code == CLI_EXIT_YES) {
        code = tell_truth(&errand, "cleared", true, "cleared", "");
    }
    return end(&errand, code);
}

/* ---- reads ------------------------------------------------------------------------------------ */

static void print_value(const struct errand *errand)
{
    copycat_bytes bytes = copycat_value_bytes(errand->value);

    if (errand->is_json) {
        json_t *object = answer_as_json(errand);

        set_value(errand, object, "value");
        cli_json_print(object);
    } else if (is_absent(errand)) {
        return;
    } else if (cli_arguments_has(errand->arguments, CLI_FLAG_RAW)) {
        fwrite(bytes.data, 1, bytes.size, stdout);
    } else {
        cli_print_bytes(stdout, bytes);
        putchar('\n');
    }
}

int cli_map_get(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 0);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(&errand, copycat_map_get(errand.connection.map, errand.bytes[1], &errand.options));
    if (code == CLI_EXIT_YES) {
        print_value(&errand);
        code = is_absent(&errand) ? cli_fail_with(arguments, CLI_EXIT_NO, "there is no such key")
                                  : CLI_EXIT_YES;
    }
    return end(&errand, code);
}

int cli_map_contains(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 0);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(
        &errand, copycat_map_contains(errand.connection.map, errand.bytes[1], &errand.options));
    if (code == CLI_EXIT_YES) {
        code = tell_truth(&errand, "contains", copycat_value_bool(errand.value) != 0, "yes", "no");
    }
    return end(&errand, code);
}

int cli_map_size(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 0);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    code = await(&errand, copycat_map_size(errand.connection.map, &errand.options));
    if (code == CLI_EXIT_YES && errand.is_json) {
        json_t *object = answer_as_json(&errand);

        cli_json_set(object, "size", json_integer((json_int_t)copycat_value_uint64(errand.value)));
        cli_json_print(object);
    } else if (code == CLI_EXIT_YES) {
        printf("%" PRIu64 "\n", copycat_value_uint64(errand.value));
    }
    return end(&errand, code);
}

static void print_key(const struct errand *errand, copycat_bytes key)
{
    if (errand->is_json) {
        json_t *object = json_object();

        cli_json_set_bytes(object, "key", key);
        cli_json_print(object);
    } else {
        cli_print_bytes(stdout, key);
        putchar('\n');
    }
}

int cli_map_keys(const struct cli_arguments *arguments)
{
    struct errand errand;
    int code = begin(&errand, arguments, 0);
    uint64_t left = arguments->limit == 0 ? UINT64_MAX : arguments->limit;
    copycat_bytes after = {NULL, 0};
    copycat_value *page = NULL; /* `after` is in it */
    bool is_more = code == CLI_EXIT_YES;

    if (code != CLI_EXIT_YES) {
        return code;
    }
    while (is_more && left > 0) {
        uint32_t limit = left < 1000 ? (uint32_t)left : 0;

        code =
            await(&errand, copycat_map_keys(errand.connection.map, after, limit, &errand.options));
        copycat_value_free(page);
        page = errand.value;
        errand.value = NULL;
        if (code != CLI_EXIT_YES) {
            break;
        }
        for (uint32_t i = 0; i < copycat_value_count(page); i++) {
            after = copycat_value_at(page, i);
            print_key(&errand, after);
        }
        left -= copycat_value_count(page);
        is_more = copycat_value_is_more(page) != 0 && copycat_value_count(page) > 0;
    }
    copycat_value_free(page);
    return end(&errand, code);
}
