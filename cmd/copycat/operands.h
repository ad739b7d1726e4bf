/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operands -- paths, keys and values as they are given, and what is wrong with them, before anything
 * is sent.
 */
#ifndef CLI_OPERANDS_H
#define CLI_OPERANDS_H

#include "arguments.h"

#include <copycat/base.h>

#include <stdbool.h>
#include <stdint.h>

/* False: `message_out` names the fault, and where it is. */
bool cli_path_check(const char *path, copycat_message *message_out);
bool cli_key_check(copycat_bytes key, copycat_message *message_out);
bool cli_value_check(copycat_bytes value, copycat_message *message_out);

/*
 * The bytes of an operand behind the path, the key first; those of standard input if that is meant.
 * Returns an exit code, not YES after a sentence.  `*owned_out` is the caller's to free in any case.
 */
int cli_operand_read(
    const struct cli_arguments *arguments,
    uint32_t place,
    bool is_input,
    copycat_bytes *bytes_out,
    void **owned_out);

#endif /* CLI_OPERANDS_H */
