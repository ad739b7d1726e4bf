/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operands -- what is wrong with a path, a key or a value, before anything is sent.
 */
#ifndef CLI_OPERANDS_H
#define CLI_OPERANDS_H

#include <copycat/base.h>

#include <stdbool.h>

/* False: `message_out` names the fault, and where it is. */
bool cli_path_check(const char *path, copycat_message *message_out);
bool cli_key_check(copycat_bytes key, copycat_message *message_out);
bool cli_value_check(copycat_bytes value, copycat_message *message_out);

#endif /* CLI_OPERANDS_H */
