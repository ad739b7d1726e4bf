/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault -- see fault.h.
 */
#include "sim/fault.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct kind {
    const char *text;
    enum cc_fault_family family;
    enum cc_fault_use use;
};

static const struct kind kinds[] = {
#define FAULT_KIND(name, text, family, use) {text, family, use},
    CC_FAULT_TABLE(FAULT_KIND)
#undef FAULT_KIND
};

const char *cc_fault_text(enum cc_fault fault)
{
    return kinds[fault].text;
}

enum cc_fault_family cc_fault_family(enum cc_fault fault)
{
    return kinds[fault].family;
}

enum cc_fault_use cc_fault_use(enum cc_fault fault)
{
    return kinds[fault].use;
}

bool cc_fault_find(const char *text, size_t size, enum cc_fault *fault_out)
{
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        if (strlen(kinds[i].text) == size && memcmp(kinds[i].text, text, size) == 0) {
            *fault_out = (enum cc_fault)i;
            return true;
        }
    }
    return false;
}

bool cc_fault_set_parse(struct cc_fault_set *set, const char *list)
{
    while (*list != '\0') {
        size_t size = strcspn(list, ",");
        enum cc_fault fault;

        if (!cc_fault_find(list, size, &fault)) {
            return false;
        }
        cc_fault_set_add(set, fault);
        list += size;
        list += *list == ',';
    }
    return true;
}

const char *cc_hit_role_text(enum cc_hit_role role)
{
    static const char *const texts[] = {"follower", "candidate", "leader",
                                        "learner",  "down",      "client"};

    return texts[role];
}

void cc_injections_add(struct cc_injections *list, const struct cc_injection *injection)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 256 : list->capacity * 2;
        list->at = realloc(list->at, list->capacity * sizeof *list->at);
        CC_ASSERT(list->at != NULL);
    }
    list->at[list->count++] = *injection;
}

void cc_injections_deinit(struct cc_injections *list)
{
    free(list->at);
    *list = (struct cc_injections){0};
}
