/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_scenario -- files of copycat-sim: whatever they hold, they are read to their end or refused
 * with a line and a sentence, and what is read is written in a form that is read again as the same.
 */
#include "base/assert.h"
#include "sim/scenario.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *write_down(const struct cc_scenario *scenario, size_t *size_out)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, size_out);

    CC_ASSERT(file != NULL);
    cc_scenario_write(scenario, file);
    CC_ASSERT(fclose(file) == 0 && text != NULL);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cc_scenario first;
    static struct cc_scenario second;
    char *exact = malloc(size + 1);
    uint32_t line = 0;
    const char *reason = NULL;
    size_t once_size;
    size_t twice_size;

    CC_ASSERT(exact != NULL);
    memcpy(exact + 1, data, size); /* up to the end of the memory */
    if (!cc_scenario_read(exact + 1, size, &first, &line, &reason)) {
        CC_ASSERT(line >= 1 && reason != NULL && reason[0] != '\0');
        free(exact);
        return 0;
    }
    CC_ASSERT(first.has_seed);

    char *once = write_down(&first, &once_size);

    CC_ASSERT(cc_scenario_read(once, once_size, &second, &line, &reason));

    char *twice = write_down(&second, &twice_size);

    CC_ASSERT(once_size == twice_size && memcmp(once, twice, once_size) == 0);
    CC_ASSERT(first.seed == second.seed);
    CC_ASSERT(first.overrides.only_count == second.overrides.only_count);
    CC_ASSERT((first.overrides.only == NULL) == (second.overrides.only == NULL));
    CC_ASSERT(first.overrides.faults_us == second.overrides.faults_us);
    free(once);
    free(twice);
    free(exact);
    return 0;
}
