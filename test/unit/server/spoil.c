/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoil -- see spoil.h.
 */
#include "unit/server/spoil.h"

#include "apply/apply_internal.h"

void spoil(struct cc_apply *apply)
{
    apply->live.digest ^= 1;
}
