/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_verify -- between the files that find out what is not sound in a directory.
 */
#ifndef CC_INSPECT_INSPECT_VERIFY_H
#define CC_INSPECT_INSPECT_VERIFY_H

#include "inspect/inspect.h"

#define CC_ADVICE_WAY_OUT                                                                        \
    "If this is a copy, copy again while no server runs. Put the file back as it was, or, if "   \
    "other members have the state, keep the majority running, back it up, restore that as a "    \
    "new cluster. An empty directory under the same id is no way out: the other servers refuse " \
    "it"
#define CC_ADVICE_NEWER "use the tool, and the server, of the version that wrote it"
#define CC_ADVICE_UNREADABLE \
    "the disk does not give it out; look into the system's log, and save a copy of the rest"

struct cc_inspect_verifying {
    copycat_inspection *inspection;
    copycat_inspect_finding_callback *on_finding;
    void *user;
    struct cc_inspect_verdict verdict;
    struct cc_inspect_images images;
    copycat_inspect_summary *summary;
    struct cc_inspect_refusal refusal; /* what recovery stopped at: it is told once */
    bool is_over;
};

/* ---- inspect_verify.c ------------------------------------------------------------------------ */

/* Whoever looks hears of it, and the directory is not sound unless it is a mere leftover. */
void cc_inspect_tell(
    struct cc_inspect_verifying *verifying, const copycat_inspect_finding *finding);

/* ---- inspect_verify_image.c ------------------------------------------------------------------ */

/* Of the image that is stood on, which was read already, and of its segments, which are read here. */
copycat_status cc_inspect_verify_image(struct cc_inspect_verifying *verifying);

/* An image or a segment that nobody needs.  While the journal does not recover nobody knows which
 * image it stands on, and while that does not read nobody knows which segments. */
void cc_inspect_tell_stray(
    struct cc_inspect_verifying *verifying, const struct cc_inspect_part *part);

#endif /* CC_INSPECT_INSPECT_VERIFY_H */
