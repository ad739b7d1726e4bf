/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output -- bytes and answers, for people and as JSON.
 *
 * In JSON, bytes that are text are the member "name"; others are the member "name_escaped", with the
 * escapes of escape.h.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <copycat/base.h>

#include <jansson.h>
#include <stdio.h>

/* Memory, or the end of the process with a sentence. */
void *cli_take_memory(size_t size);

/* With escapes, without a line end. */
void cli_print_bytes(FILE *file, copycat_bytes bytes);

/* Sets `name` or "name_escaped" of the object. */
void cli_json_set_bytes(json_t *object, const char *name, copycat_bytes bytes);

/* Sets `name`; takes the value over. */
void cli_json_set(json_t *object, const char *name, json_t *value_take);

/* In one line on standard output; takes the object over. */
void cli_json_print(json_t *object_take);

#endif /* CLI_OUTPUT_H */
